// SPDX-License-Identifier: Apache-2.0
// Turns by run time.
#include "daemon/master/dispatch/fair_queue.h"

namespace lethe {

void FairQueue::pushed(Lane &lane, Request &request) {
  invariant(lane.share && !request.in_stock && !request.lane && !request.worker,
            "a request that begins to wait is nowhere else", {"msgid", request.msgid});
  request.lane = &lane;
  ++size_;
  ++lane.share->waiting;
  if (lane.requests.size() > 1)
    return;
  lane.come_back(line_of(lane).level_us);
  attach(lane);
}

void FairQueue::push_back(Lane &lane, Request &request) {
  lane.requests.push_back(request);
  pushed(lane, request);
}

void FairQueue::push_front(Lane &lane, Request &request) {
  lane.requests.push_front(request);
  pushed(lane, request);
}

void FairQueue::remove(Request &request) {
  invariant(request.lane && size_ > 0 && request.lane->share->waiting > 0,
            "a request that is taken out of a queue waits there", {"msgid", request.msgid},
            {"waiting", size_});
  Lane &lane = *request.lane;
  lane.requests.remove(request);
  request.lane = nullptr;
  --size_;
  --lane.share->waiting;
  if (lane.requests.empty())
    detach(lane);
}

void FairQueue::attach(Lane &lane) {
  Line &line = line_of(lane);
  if (lane.blocked)
    return line.blocked.push_back(lane);
  lane.turn = ++turns_;
  line.lanes.add(lane);
  if (!line.linked())
    lines_.push_back(line);
}

void FairQueue::detach(Lane &lane) {
  Line &line = line_of(lane);
  if (!lane.in_heap())
    return line.blocked.remove(lane);
  line.lanes.remove(lane);
  if (line.lanes.empty())
    lines_.remove(line);
}

void FairQueue::block(Lane &lane, bool blocked) {
  const bool has_something = !lane.requests.empty();
  if (has_something)
    detach(lane);
  lane.blocked = blocked;
  if (has_something)
    attach(lane);
}

Request &FairQueue::take(Share &share) {
  Line &line = share.lines[number_];
  Lane &lane = line.lanes.first();
  invariant(!lane.blocked && !lane.requests.empty(),
            "a lane that has its turn has a request and may start it");
  line.level_us = std::max(line.level_us, lane.had_us);
  Request &request = *lane.requests.front();
  remove(request);
  request.charged_us = share.run_us;
  const bool has_more = lane.in_heap();
  if (has_more)
    detach(lane);
  lane.had_us += request.charged_us;
  share.had_us += request.charged_us;
  if (has_more)
    attach(lane);
  return request;
}

Request *FairQueue::pop() {
  Share *share = next([](const Share &) { return true; });
  return share ? &take(*share) : nullptr;
}

Request *FairQueue::newest(Share &share) {
  Lane *longest = nullptr;
  const auto compare = [&longest](Lane &lane) {
    if (!longest || lane.requests.size() > longest->requests.size())
      longest = &lane;
  };
  for (Line &line : share.lines) {
    for (Lane *lane : line.lanes)
      compare(*lane);
    for (Lane *lane = line.blocked.front(); lane; lane = line.blocked.after(*lane))
      compare(*lane);
  }
  return longest ? longest->requests.back() : nullptr;
}

void FairQueue::charge(Request &request, Lane *lane, int64_t took_us) {
  const int64_t more_us = took_us - std::exchange(request.charged_us, 0);
  request.share->had_us += more_us;
  if (!lane)
    return;
  Heap<Lane> *const heap = lane->in_heap() ? &line_of(*lane).lanes : nullptr;
  if (heap)
    heap->remove(*lane);
  lane->had_us += more_us;
  if (heap)
    heap->add(*lane);
}

} // namespace lethe
