// SPDX-License-Identifier: Apache-2.0
// Stock of requests.
#include "daemon/master/dispatch/request.h"
#include "daemon/master/dispatch/dispatcher.h"

#include <algorithm>

namespace lethe {
namespace {

constexpr size_t kept_body_bytes = 64 * 1024;       // of a request in stock
constexpr size_t most_kept_bytes = 4 * 1024 * 1024; // of all of them

void shrink(std::string &text) {
  constexpr size_t kept_text_bytes = 256;
  text.clear();
  if (text.capacity() > kept_text_bytes)
    text.shrink_to_fit();
}

void clear_body(Request &request) {
  request.body.clear();
  request.body.shrink(kept_body_bytes);
  std::vector<std::string>().swap(request.later_steps);
}

} // namespace

Request::Request(EventLoop &loop) : timer(loop, [this] { dispatcher->deadline_passed(*this); }) {}

void Request::count_bytes() {
  size_t bytes = body.held_bytes() + name.capacity() + trace.capacity() +
                 histories.capacity() * sizeof(RunHistoryPointer);
  for (const std::string &later : later_steps)
    bytes += sizeof(std::string) + later.capacity();
  held.set(bytes);
}

const RunHistoryPointer &Request::history() const {
  static const RunHistoryPointer none;
  const auto number = static_cast<size_t>(std::max(step, 0));
  return number < histories.size() ? histories[number] : none;
}

void Request::forget_body() {
  clear_body(*this);
  count_bytes();
}

// Every field is set here but the body, which give_back() has emptied, the timer, which it has
// stopped, and busy_poll_us, which each request brings.
Request &RequestStock::take() {
  if (free_.empty()) {
    all_.push_back(std::make_unique<Request>(loop_));
    free_.push_back(all_.back().get());
  }
  Request &request = *free_.back();
  free_.pop_back();
  invariant(request.in_stock && !request.timer.pending() && request.body.empty(),
            "a request in stock is nobody's, and empty", {"bytes", request.body.size()});
  request.in_stock = false;
  kept_bytes_ -= request.body.capacity();
  request.client = nullptr;
  request.client_index = 0;
  request.msgid = 0;
  request.dispatcher = nullptr;
  request.isolation = Isolation::process;
  request.once = true;
  request.debugs = false;
  request.wants_console = request.wants_stats = request.wants_floats = request.idempotent = false;
  request.is_fetch = false;
  request.retried = request.interrupted = false;
  request.host_calls = 0;
  request.stats_heard = false;
  request.compiled = 0;
  request.console_lines = request.console_bytes = 0;
  request.name.clear();
  request.trace.clear();
  request.received_us = request.deadline_us = request.dispatched_us = 0;
  request.memory_mb = 0;
  request.later_steps.clear();
  request.step = -1;
  request.histories.clear();
  request.share = nullptr;
  request.charged_us = 0;
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
  clear_body(request);
  request.histories.clear();
  if (request.histories.capacity() > 4) // of a chain
    request.histories.shrink_to_fit();
  shrink(request.name);
  shrink(request.trace);
  if (kept_bytes_ >= most_kept_bytes)
    request.body.shrink(0);
  request.held.set(0);
  kept_bytes_ += request.body.capacity();
  free_.push_back(&request);
}

} // namespace lethe
