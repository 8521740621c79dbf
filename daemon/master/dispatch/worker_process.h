// SPDX-License-Identifier: Apache-2.0
// The master's view of one worker: its process, its socket, its page, and the requests sent to it.
#pragma once

#include "daemon/master/dispatch/environment.h"
#include "daemon/master/loop/child_process.h"
#include "ipc/channel.h"
#include "ipc/worker_page.h"

#include <optional>

namespace lethe {

class WorkerProcess;

// A page shared with a worker, which may have been made by a worker that is no more to be trusted.
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
  virtual void worker_said(WorkerProcess &worker, const Frame &frame) = 0;
  // The worker broke the protocol: sets broke_protocol, and kills it.
  virtual void break_off(WorkerProcess &worker, std::string_view flaw) = 0;
  // The worker's channel is closed or broken: nothing more will come from it.
  virtual void worker_hung_up(WorkerProcess &worker) = 0;
  // The worker hung up, and the time given by `verdict` is over.
  virtual void verdict_is_due(WorkerProcess &worker) = 0;
  // The oldest request of the worker takes long, and others wait behind it.
  virtual void worker_is_slow(WorkerProcess &worker) = 0;

protected:
  ~WorkerOwner() = default;
};

// `idle` and `running` workers take requests. `debugging`: was never counted in. `leaving`: takes
// no more, counted out of its pool already, and not yet seen to have ended. When this object goes,
// the process is killed.
//
//   forked ─► idle ◄──► running          run() ►, ◄ the last of sent() answered or taken back
//               │          │             ► leaving: dismissed, used up, of an old generation,
//               └──► leaving ◄──┘        interrupted, answered its only request, hung up
//   forked to debug ─► debugging ─► leaving
//   leaving ─► gone                      hung_up, its fate known or given up: it holds no request
//
// killed, dismissed and so on say how it came to leave; they never go back to false.
class WorkerProcess final : public ListHook, Flushable {
public:
  enum class State : uint8_t { idle, running, debugging, leaving };

  struct Parts {
    uint32_t id;
    uint32_t generation;
    ChildProcess process;
    FileDescriptor socket;
    SharedPage page;
  };
  WorkerProcess(Environment &environment, WorkerOwner &owner, Parts parts);
  ~WorkerProcess();

  uint32_t id() const { return parts_.id; }
  uint32_t generation() const { return parts_.generation; }
  pid_t pid() const { return parts_.process.pid(); }
  bool has_ended() const { return parts_.process.has_ended(); }
  bool is_ending() const { return parts_.process.is_ending(); }
  const WorkerPage &page() const { return *parts_.page.operator->(); }

  // Sends a request; it is in sent() from now on.
  void run(Request &request);
  // The oldest request is answered: takes it off.
  void done();
  List<Request> &sent() { return sent_; }
  // Sends what the client answered to a call of its script.
  void send_host_reply(uint32_t sequence, const message::HostReply &reply);
  // What a debugger says to its script. False: the worker does not take what was said before.
  bool send_debug_input(uint32_t sequence, const message::DebugInput &input);
  // Nothing more is read from the worker until go_on(), as its client does not read.
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
  void kill();    // at once; it counts as hung up soon after, whoever holds its channel open
  void dismiss(); // closes our side: it ends by itself
  // Kills one that hung up and did not end. It may yet be about to end by itself: see lived_on.
  void kill_after_hanging_up();

  // What the owner keeps here.
  State state = State::idle;
  bool killed = false;    // by the master
  bool dismissed = false; // told to end while it was idle
  bool hung_up = false;
  bool lived_on = false; // after it had hung up, as far as could be seen
  bool broke_protocol = false;
  bool rewind_failed = false;     // was counted
  std::optional<int> wait_status; // once its end was reported
  bool verdict_awaited = false;   // the time for that has been given
  uint64_t served = 0;
  int64_t born_us, head_since_us = 0, left_us = 0;
  int64_t run_us = 0; // moving average of the last requests
  Timer verdict;      // how long the owner waits for its end and wait_status

  bool takes_more() const; // is it worth while to send it another one ahead?
  int64_t wait_us() const { return run_us * static_cast<int64_t>(sent_.size()); } // for that one

private:
  uint32_t claimed() const;
  void readable();
  PeerState peer_state();
  void flush() override;
  void watch_head();
  void hang_up(bool broken);

  Environment &environment_;
  WorkerOwner &owner_;
  Parts parts_;
  Channel channel_;
  List<Request> sent_; // oldest first
  uint32_t last_sequence_ = 0;
  uint32_t started_ = 0; // at least: it has claimed this one, or spoken of it
  bool lied_ = false;    // about that
  Watch readable_, writable_;
  Timer head_timer_;
};

} // namespace lethe
