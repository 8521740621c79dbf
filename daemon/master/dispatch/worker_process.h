// SPDX-License-Identifier: Apache-2.0
// The master's view of one worker: its process, its socket, its page, and the requests sent to it.
#pragma once

#include "daemon/master/dispatch/affinity.h"
#include "daemon/master/dispatch/environment.h"
#include "daemon/master/dispatch/idle_clock.h"
#include "daemon/master/loop/child_process.h"
#include "daemon/master/loop/state_machine.h"
#include "ipc/channel.h"
#include "ipc/worker_page.h"

#include <optional>

namespace lethe {

class WorkerProcess;

// A page shared with a worker, made by a zygote, which may be one that is no more to be trusted.
class SharedPage {
public:
  SharedPage() = default;
  SharedPage(SharedPage &&other) noexcept : page_(std::exchange(other.page_, nullptr)) {}
  SharedPage(const SharedPage &) = delete;
  ~SharedPage();
  // Refuses a memfd that its other owner could cut: reading it would then end the master (SIGBUS).
  static Result<SharedPage> map(const FileDescriptor &memory);
  WorkerPage *operator->() const { return page_; }

private:
  WorkerPage *page_ = nullptr;
};

class WorkerOwner {
public:
  virtual const std::string &pool() const = 0; // its name
  virtual void worker_said(WorkerProcess &worker, const Frame &frame) = 0;
  // The worker broke the protocol: to be killed for that.
  virtual void break_off(WorkerProcess &worker, std::string_view flaw) = 0;
  // The worker's channel is closed or broken: nothing more will come from it.
  virtual void worker_hung_up(WorkerProcess &worker) = 0;
  // The worker hung up, and the time given by await_end() is over.
  virtual void verdict_is_due(WorkerProcess &worker) = 0;
  // How long the oldest request of a worker may take while others wait behind it.
  virtual int64_t slow_after_us() const = 0;
  // It has taken that long.
  virtual void worker_is_slow(WorkerProcess &worker) = 0;
  // What it was sent has gone so far that it gets more.
  virtual void worker_has_room(WorkerProcess &worker) = 0;
  // It has not had room for so long that whoever wants to send it more should not wait.
  virtual void worker_is_deaf(WorkerProcess &worker) = 0;

protected:
  ~WorkerOwner() = default;
};

// `idle` and `running` workers take requests. Once it has left, it takes no more, and is counted
// out of its pool. When this object goes, the process is killed.
//
//   forked ─┬─► idle ◄──► running          ► a request is sent, ◄ the last one answered, taken back
//           │     └────┬─────┘
//           └─► debugging                  was never counted in
//                      ├─► leaving         dismissed, used up, of an old generation, interrupted,
//                      │      │            killed, answered its only request
//                      └──────┴─► hung_up  nothing more is heard of it; it is given time to end
//   hung_up ─┬─► dying ──────┐             it ends, how is still to be told
//            ├─► lived_on ───┤             it had not begun to end, and was killed
//            └───────────────┴─► gone      its fate is known or given up: it holds no request
class WorkerProcess final : public ListHook, Flushable {
public:
  // clang-format off
  enum class State : uint8_t { forked, idle, running, debugging, leaving, hung_up, dying, lived_on, gone };
  static constexpr StateRow states[] = {
      {"forked", to(State::idle, State::debugging)},
      {"idle", to(State::running, State::leaving, State::hung_up)},
      {"running", to(State::idle, State::leaving, State::hung_up)},
      {"debugging", to(State::leaving, State::hung_up)},
      {"leaving", to(State::hung_up)},
      {"hung up", to(State::dying, State::lived_on, State::gone)},
      {"dying", to(State::gone)},
      {"lived on", to(State::gone)},
      {"gone", 0}};
  // clang-format on

  // What the master did to it. The gravest stays: one that was killed may yet break the protocol
  // with what it said last.
  enum class Treatment : uint8_t { none, killed, killed_for_breach };

  struct Parts {
    uint32_t id;
    uint32_t generation;
    ChildProcess process;
    FileDescriptor socket;
    SharedPage page;
  };
  WorkerProcess(Environment &environment, WorkerOwner &owner, Parts parts);
  ~WorkerProcess();

  // The owner keeps a list for each state, and moves it from one to the other.
  void move_to(State to_state, std::string_view why = {},
               const MovePlace &caller = MovePlace::here());
  bool is(State state) const { return state_.is(state); }
  bool is_counted() const { return state_.is(State::idle, State::running); }
  bool has_left() const { return !state_.is(State::forked, State::debugging) && !is_counted(); }
  bool has_hung_up() const { return state_.now() >= State::hung_up; }
  std::string_view state_name() const { return state_.name(); }
  std::string who() const;
  void check_state() const;

  uint32_t id() const { return parts_.id; }
  uint32_t generation() const { return parts_.generation; }
  pid_t pid() const { return parts_.process.pid(); }
  bool has_ended() const { return parts_.process.has_ended(); }
  bool is_ending() const { return parts_.process.is_ending(); }
  const WorkerPage &page() const { return *parts_.page.operator->(); }

  // Sends a request; it is in sent() from now on.
  void run(Request &request);
  // The oldest request is answered: takes it off. How long it took, in µs.
  int64_t done();
  List<Request> &sent() { return sent_; }
  // Sends what the client answered to a call of its script. False: there is no room for more until
  // the owner hears that there is.
  bool send_host_reply(uint32_t sequence, const message::HostReply &reply);
  // What a debugger says to its script. False: the worker does not take what was said before.
  bool send_debug_input(uint32_t sequence, const message::DebugInput &input);
  // Nothing more is read from the worker until go_on(): who gets what it says does not read. Or it
  // does not read itself what it gets for that.
  void hold() { readable_.disable(); }
  void go_on();

  // Has the worker started this request of sent(), as far as it tells? Was it the last one?
  bool has_started(const Request &request) const { return claimed() >= request.sequence; }
  bool has_started_last(const Request &request) const { return claimed() == request.sequence; }
  // Takes back everything that was not started; calls `taken` for each, the newest first. False:
  // what the worker claims can't be. Then it is not known what it has started, and nothing is taken
  // back any more.
  template <typename Taken> bool revoke(Taken taken) {
    if (lied_)
      return true; // that was said
    const auto claimed = parts_.page->revoke(last_sequence_);
    lied_ = !claimed || *claimed < started_ || *claimed > last_sequence_;
    if (lied_)
      return false;
    invariant(started_ <= last_sequence_, "what it is known to have started was sent",
              {"worker", id()}, {"started", started_}, {"sent", last_sequence_});
    started_ = *claimed;
    while (Request *newest = sent_.back()) {
      if (newest->sequence <= *claimed)
        break;
      sent_.remove(*newest);
      newest->worker = nullptr;
      taken(*newest);
    }
    return true;
  }

  void interrupt();
  // At once; it counts as hung up soon after, whoever holds its channel open.
  void kill(Treatment reason = Treatment::killed);
  void dismiss(); // closes our side: it ends by itself
  // Kills one that hung up and did not end. It may yet be about to end by itself: that is no
  // treatment, until its status is known.
  void kill_after_hanging_up();
  Treatment treatment() const { return treatment_; }
  bool was_killed() const { return treatment_ != Treatment::none; }

  // Its end, as whoever reaped it tells, once.
  void end_is_told(int wait_status);
  const std::optional<int> &wait_status() const { return wait_status_; }
  // Then the owner hears that its verdict is due; or, of one that is still heard, that it hung up.
  void await_end(int64_t limit_us) { verdict_.start(limit_us); }

  Share *share = nullptr; // of the user whose requests it has, and of no other's, while it runs
  uint64_t served = 0;
  RunHistoryPointer ran_last; // of what it answered, or held at its end
  // Of an idle one: what this script costs there, see affinity.h; and what it has counted of the one
  // before, which is known once its memory is rewound.
  int64_t cost_of(const RunHistory &script) const;
  void note_pages();
  const int64_t born_us;
  int64_t head_since_us = 0;
  int64_t run_us = 0;                          // moving average of the last requests
  int64_t left_us() const { return left_us_; } // when it began to leave

  // The lease compares the numbers of requests, so they must not wrap: it is to be replaced before.
  bool is_out_of_numbers() const;
  // Of an idle one, asked about once a second: the CPU time that it has used for nothing.
  int64_t idle_cpu_us() {
    return idle_clock_.look(last_sequence_, environment_.processes.kernel().cpu_us(pid()));
  }
  bool takes_more() const; // is it worth while to send it another one ahead?
  int64_t wait_us() const { return run_us * static_cast<int64_t>(sent_.size()); } // for that one

private:
  uint32_t claimed() const;
  void readable();
  PeerState peer_state();
  bool is_full() const;
  void flush() override;
  void watch_head();
  void hang_up();

  Environment &environment_;
  WorkerOwner &owner_;
  Parts parts_;
  StateMachine<WorkerProcess, State> state_;
  Treatment treatment_ = Treatment::none;
  std::optional<int> wait_status_;
  int64_t left_us_ = 0;
  Timer verdict_; // how long its end and wait_status are waited for
  Channel channel_;
  Holding held_;       // of the channel, on the account of whose requests it was sent last
  List<Request> sent_; // oldest first
  uint32_t last_sequence_ = 0;
  uint32_t started_ = 0;      // at least: it has claimed this one, or spoken of it
  bool lied_ = false;         // about that
  bool room_awaited_ = false; // the owner is to hear that there is room
  IdleClock idle_clock_;
  Repertoire repertoire_;
  Watch readable_, writable_;
  Timer head_timer_;
  Timer deaf_; // while room is awaited
};

} // namespace lethe
