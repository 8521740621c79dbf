// SPDX-License-Identifier: Apache-2.0
// Whose turn it is: a pool's workers are shared out among users, a user's part among connections, both
// by run time.
#pragma once

#include "daemon/master/dispatch/account.h"
#include "daemon/master/dispatch/request.h"
#include "daemon/master/loop/heap.h"
#include "daemon/master/loop/list.h"

#include <algorithm>

namespace lethe {

struct Share;

// What somebody has had of the workers' time: who has had least is next. (A start counts as an average
// run, which is corrected when it has ended: see FairQueue::charge.) Only those who wait at one time
// are compared. Who comes back after a pause begins where the others are: there is no credit for not
// having asked, and of a debt a second is remembered.
struct RunTime {
  int64_t had_us = 0;
  void come_back(int64_t level_us) {
    constexpr int64_t most_debt_us = 1'000'000;
    had_us = std::clamp(had_us, level_us, level_us + most_debt_us);
  }
};

// One connection's waiting requests in one queue; first in, first out.
struct Lane : ListHook, HeapHook, RunTime {
  List<Request> requests;
  bool blocked = false;         // its client does not read: nothing of it is started
  std::shared_ptr<Share> share; // its user's: set before its first request
  uint64_t turn = 0;
  bool is_before(const Lane &other) const {
    return had_us != other.had_us ? had_us < other.had_us : turn < other.turn;
  }
};

// One user's lanes in one queue. In the queue's list while something of it may start.
struct Line : ListHook {
  Share *share = nullptr;
  Heap<Lane> lanes;   // those that have something and are not blocked
  List<Lane> blocked; // those that have something
  int64_t level_us = 0;
};

// One user's part of a pool. Its lanes keep it, and whoever counts in it.
struct Share : RunTime {
  static constexpr size_t queues = 3; // of a pool

  explicit Share(AccountPointer its_account) : account(std::move(its_account)) {
    for (Line &line : lines)
      line.share = this;
  }
  Share(const Share &) = delete;

  AccountPointer account;
  Line lines[queues];
  size_t waiting = 0;     // requests in these
  size_t in_progress = 0; // requests, waiting or sent
  size_t workers = 0;     // that run its requests
  int64_t run_us = 1000;  // of a request, on average
  // A connection is there that has asked something, or was until a while ago.
  bool is_active = false;
  int64_t last_us = 0; // when it had something in progress last

  bool is_unserved() const { return is_active && workers == 0; }

  // One run of a minute does not make all look long: of how long it took no more counts than eight
  // times what was expected.
  void ran(int64_t took_us) { run_us += (std::min(took_us, 8 * run_us) - run_us) / 8; }
};

// One for each kind of workers that a pool's requests wait for.
class FairQueue {
public:
  explicit FairQueue(size_t number) : number_(number) {}
  size_t size() const { return size_; } // blocked ones included
  bool empty() const { return lines_.empty(); }
  void push_back(Lane &lane, Request &request);
  void push_front(Lane &lane, Request &request); // one that was taken out before
  void remove(Request &request);
  void block(Lane &lane, bool blocked);

  // Of those users of whom something waits that may start and for whom `may` holds, the one who has
  // had least.
  template <typename May> Share *next(May may) {
    Share *least = nullptr;
    for (Line *line = lines_.front(); line; line = lines_.after(*line))
      if ((!least || line->share->had_us < least->had_us) && may(*line->share))
        least = line->share;
    return least;
  }
  // Takes what is next of this user.
  Request &take(Share &share);
  Request *pop(); // of the next user, whoever it is; nothing: there is none
  // The newest request of the lane of this user that has most of them, be it blocked.
  static Request *newest(Share &share);
  // A request that was taken has run for so long, or not at all. `lane`: its own, if its client is
  // there.
  void charge(Request &request, Lane *lane, int64_t took_us);

private:
  Line &line_of(const Lane &lane) { return lane.share->lines[number_]; }
  void pushed(Lane &lane, Request &request);
  void attach(Lane &lane);
  void detach(Lane &lane);

  size_t number_; // among the pool's
  List<Line> lines_;
  size_t size_ = 0;
  uint64_t turns_ = 0;
};

} // namespace lethe
