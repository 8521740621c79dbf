// SPDX-License-Identifier: Apache-2.0
// What nearly every part of the daemon needs, handed in so that a test can bring its own.
#pragma once

#include "daemon/master/dispatch/account.h"
#include "daemon/master/dispatch/request.h"
#include "daemon/master/loop/child_process.h"
#include "daemon/master/loop/event_loop.h"
#include "daemon/master/operation/child_output.h"
#include "daemon/master/operation/control_groups.h"
#include "daemon/master/operation/counters.h"
#include "daemon/master/operation/log.h"
#include "daemon/master/operation/settings.h"

#include <string>

namespace lethe {

// How far the daemon has come. Server draws the graph and makes the moves.
class Phase {
public:
  enum class State : uint8_t { starting, ready, stopping, killing };
  static constexpr StateRow states[] = {{"starting", to(State::ready, State::stopping)},
                                        {"ready", to(State::stopping)},
                                        {"stopping", to(State::killing)},
                                        {"killing", 0}};

  explicit Phase(MoveObserver &observer) : state_(*this, observer, State::starting) {}
  bool is(State state) const { return state_.is(state); }
  void move_to(State state) { state_.move_to(state); }
  std::string who() const { return "the daemon"; }
  void check_state() const {}

private:
  StateMachine<Phase, State> state_;
};

struct Environment {
  Environment(const Clock &clock, Kernel &kernel) : processes(kernel), loop(clock) {}

  Accounts accounts; // the last to go: what goes before counts itself out
  MoveLog moves;     // is told of each move of a state machine
  ProcessBooks processes;
  EventLoop loop;
  ChildOutputs child_outputs{loop};
  Settings settings;
  Counters counters;
  RequestStock requests{loop};
  size_t processors = lethe::processors();
  std::string zygote_program, snapshot_program;
  ControlGroups control_groups; // of the pools
  Phase phase{moves};
  bool handing_over = false; // stopping, and new requests are for the next daemon
  int snapshot_builds = 0;   // going on now

  bool stopping() const {
    return !phase.is(Phase::State::starting) && !phase.is(Phase::State::ready);
  }
  uint32_t frame_bytes() const { // the longest body of a frame: a message and what goes around it
    return static_cast<uint32_t>(settings.max_message_bytes) + 64 * 1024;
  }
  size_t buffered_bytes() const { return accounts.bytes(); }
  size_t most_buffered_bytes() const { return static_cast<size_t>(settings.max_buffered_mb) << 20; }
  bool out_of_memory() const { return buffered_bytes() > most_buffered_bytes(); }
  Error memory_error() const {
    return Error(ErrorCode::overloaded, "the daemon's memory for messages is used up")
        .with("limit", "memory")
        .with("retry_after_ms", int64_t{100});
  }
  // What goes around a value counts too: the message, its params, the list of arguments.
  uint32_t frame_depth() const { return static_cast<uint32_t>(settings.max_depth) + 4; }
};

} // namespace lethe
