// SPDX-License-Identifier: Apache-2.0
// Stock of requests, and their fair queue.
#include "daemon/master/dispatch/request.h"
#include "daemon/master/dispatch/dispatcher.h"

namespace lethe {
namespace {

constexpr size_t kept_body_bytes = 64 * 1024; // of a request in stock

} // namespace

Request::Request(EventLoop &loop) : timer(loop, [this] { dispatcher->deadline_passed(*this); }) {}

// Every field is set here but the body, which give_back() has emptied, the timer, which it has
// stopped, and busy_poll_us, which each request brings.
Request &RequestStock::take() {
  if (free_.empty()) {
    all_.push_back(std::make_unique<Request>(loop_));
    free_.push_back(all_.back().get());
  }
  Request &request = *free_.back();
  free_.pop_back();
  invariant(request.in_stock && !request.timer.pending() && request.body.size() == 0,
            "a request in stock is nobody's, and empty", {"bytes", request.body.size()});
  request.in_stock = false;
  request.client = nullptr;
  request.client_index = 0;
  request.msgid = 0;
  request.dispatcher = nullptr;
  request.isolation = Isolation::process;
  request.once = true;
  request.debugs = false;
  request.wants_console = request.wants_stats = request.idempotent = false;
  request.retried = request.interrupted = false;
  request.host_calls = 0;
  request.name.clear();
  request.trace.clear();
  request.received_us = request.deadline_us = request.dispatched_us = 0;
  request.memory_mb = 0;
  request.later_steps.clear();
  request.step = -1;
  request.lane = nullptr;
  request.worker = nullptr;
  request.sequence = 0;
  return request;
}

void RequestStock::give_back(Request &request) {
  invariant(!request.in_stock, "a request is given back once", {"msgid", request.msgid});
  invariant(!request.linked() && !request.lane && !request.worker,
            "a request that is given back waits nowhere and no worker holds it",
            {"msgid", request.msgid}, {"in_lane", request.lane != nullptr},
            {"in_worker", request.worker != nullptr});
  invariant(!request.client, "a request that is given back was answered or forgotten",
            {"msgid", request.msgid});
  request.timer.stop();
  request.in_stock = true;
  body_changed(request.body.size(), 0);
  request.body.clear();
  request.body.shrink(kept_body_bytes);
  free_.push_back(&request);
}

void FairQueue::added(Lane &lane, Request &request) {
  invariant(!request.in_stock && !request.lane && !request.worker,
            "a request that begins to wait is nowhere else", {"msgid", request.msgid});
  request.lane = &lane;
  ++size_;
  if (!lane.linked() && !lane.blocked)
    turns_.push_back(lane);
}

void FairQueue::push_back(Lane &lane, Request &request) {
  lane.requests.push_back(request);
  added(lane, request);
}

void FairQueue::push_front(Lane &lane, Request &request) {
  lane.requests.push_front(request);
  added(lane, request);
}

void FairQueue::remove(Request &request) {
  invariant(request.lane && size_ > 0, "a request that is taken out of a queue waits there",
            {"msgid", request.msgid}, {"waiting", size_});
  Lane &lane = *request.lane;
  lane.requests.remove(request);
  request.lane = nullptr;
  --size_;
  if (lane.requests.empty() && lane.linked())
    turns_.remove(lane);
}

Request *FairQueue::pop() {
  Lane *lane = turns_.front();
  if (!lane)
    return nullptr;
  invariant(!lane->blocked && !lane->requests.empty(),
            "a lane that has its turn has a request and may start it");
  Request &request = *lane->requests.front();
  remove(request);
  if (lane->linked()) { // it has more: the others first
    turns_.remove(*lane);
    turns_.push_back(*lane);
  }
  return &request;
}

void FairQueue::block(Lane &lane, bool blocked) {
  lane.blocked = blocked;
  if (blocked && lane.linked())
    turns_.remove(lane);
  else if (!blocked && !lane.linked() && !lane.requests.empty())
    turns_.push_back(lane);
}

} // namespace lethe
