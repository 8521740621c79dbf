// SPDX-License-Identifier: Apache-2.0
// One call, eval, chain or debugger's request on its way through the daemon.
#pragma once

#include "daemon/master/dispatch/account.h"
#include "daemon/master/loop/event_loop.h"
#include "daemon/master/loop/list.h"
#include "daemon/master/operation/settings.h"
#include "ipc/buffer.h"
#include "ipc/invariant.h"

#include <memory>
#include <string>
#include <vector>

namespace lethe {

class Client;
class Dispatcher;
class WorkerProcess;
struct Lane;
struct Share;

// Lives from the receipt of its message until it is answered and no worker holds it any more. In
// exactly one place: a lane (waiting), a worker's list (sent to it), or the free list.
//
// Besides, its client lists it until it is answered: `client` is then nullptr, while a worker may
// still hold it. So a request outlives its client, and a client never waits for a worker's end.
struct Request : ListHook {
  explicit Request(EventLoop &loop);

  bool in_stock = true; // nobody's
  Client *client;       // nullptr: answered, or its client is gone
  size_t client_index;  // where the client lists it
  uint32_t msgid;
  Dispatcher *dispatcher;
  Isolation isolation;
  bool once;   // its worker is discarded afterwards
  bool debugs; // runs in a worker of its own, outside of the pool and without a deadline
  bool wants_console, wants_stats, wants_floats, idempotent;
  bool is_fetch;    // its function gets a Request, and gives a Response
  bool retried;     // was given to a second worker after the first one crashed
  bool interrupted; // its deadline passed when a worker had begun it
  uint32_t host_calls;
  // Of its present run, what was heard of it already.
  bool stats_heard;
  uint64_t compiled; // in all its runs: for the log
  int64_t console_lines, console_bytes;
  std::string name, trace; // for the log
  int64_t received_us, deadline_us, dispatched_us;
  int64_t memory_mb;
  int64_t busy_poll_us; // of its worker, afterwards
  Buffer body;          // of the run frame

  // chain: the steps that follow, as run frames without their arguments.
  std::vector<std::string> later_steps;
  int step; // of a chain, else -1
  // Of what it runs, for each step of a chain; empty for who debugs.
  std::vector<RunHistoryPointer> histories;
  const RunHistoryPointer &history() const; // of the present step; or nullptr

  // Of name, trace, body and later steps, on its client's account: say when one was written.
  Holding held;
  void count_bytes();
  void forget_body(); // it will not be sent any more

  Share *share;       // of its user's in its pool
  int64_t charged_us; // for its present run, before it is known how long it takes
  Lane *lane;
  WorkerProcess *worker; // that it was sent to
  uint32_t sequence;     // there
  Timer timer;           // its deadline, then the grace time
};

// Requests are used again, with their memory.
class RequestStock {
public:
  explicit RequestStock(EventLoop &loop) : loop_(loop) {}
  Request &take();
  void give_back(Request &request);
  size_t in_use() const {
    invariant(free_.size() <= all_.size(), "a request is given back once", {"all", all_.size()},
              {"free", free_.size()});
    return all_.size() - free_.size();
  }

private:
  EventLoop &loop_;
  std::vector<std::unique_ptr<Request>> all_;
  std::vector<Request *> free_;
  size_t kept_bytes_ = 0; // in the bodies of those that are free
};

} // namespace lethe
