// SPDX-License-Identifier: Apache-2.0
// States with names, the moves that are allowed between them, and who is told of each.
#pragma once

#include "ipc/invariant.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace lethe {

// Where a move is made. (clang 14 has no std::source_location with this standard library.)
struct MovePlace {
  const char *file;
  int line;
  static MovePlace here(const char *its_file = __builtin_FILE(), int its_line = __builtin_LINE()) {
    return {its_file, its_line};
  }
};

struct StateRow {
  std::string_view name;
  uint32_t next; // the states that may follow, as to() makes it; 0: it is the last one
};

template <typename... States> constexpr uint32_t to(States... states) {
  return (0U | ... | (uint32_t{1} << static_cast<unsigned>(states)));
}

// Hears of each move, while `wanted`: else nothing is made into text.
class MoveObserver {
public:
  bool wanted = false;
  virtual void moved(std::string_view who, std::string_view from, std::string_view to,
                     std::string_view why) = 0;

protected:
  ~MoveObserver() = default;
};

// The state of an Owner, which draws the graph and gives:
//
//   enum class State : uint8_t { shut, open };
//   static constexpr StateRow states[] = {{"shut", to(State::open)}, {"open", to(State::shut)}};
//   std::string who() const;        // "door 3 of the garage"
//   void check_state() const;       // the invariants of the state that was just entered
//
// A move that the table does not allow is a broken invariant, as one that check_state() refuses.
template <typename Owner, typename State> class StateMachine {
public:
  StateMachine(const Owner &owner, MoveObserver &observer, State first)
      : owner_(owner), observer_(observer), state_(first) {}
  StateMachine(const StateMachine &) = delete;

  State now() const { return state_; }
  template <typename... States> bool is(States... any_of) const {
    return (to(state_) & to(any_of...)) != 0;
  }
  std::string_view name() const { return name_of(state_); }
  static std::string_view name_of(State state) { return row(state).name; }

  // `why`: for the observer, what the two names do not tell.
  void move_to(State next, std::string_view why = {}, const MovePlace &caller = MovePlace::here()) {
    const State from = state_;
    if ((row(from).next & to(next)) == 0) [[unlikely]]
      refuse(next, caller);
    state_ = next;
    owner_.check_state();
    if (observer_.wanted) [[unlikely]]
      observer_.moved(owner_.who(), name_of(from), name_of(next), why);
  }

private:
  static const StateRow &row(State state) { return Owner::states[static_cast<size_t>(state)]; }
  [[noreturn, gnu::cold, gnu::noinline]] void refuse(State next, const MovePlace &caller) const {
    std::string sentence = owner_.who();
    sentence.append(" does not go from ").append(name());
    sentence.append(" to ").append(name_of(next));
    broken_invariant(caller.file, caller.line, sentence);
  }

  const Owner &owner_;
  MoveObserver &observer_;
  State state_;
};

} // namespace lethe
