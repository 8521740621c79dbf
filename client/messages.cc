// SPDX-License-Identifier: Apache-2.0
// Messages out and in: requests, replies, and what comes between them.
#include "client/client.h"
#include "ipc/rpc.h"

#include <sys/eventfd.h>

using lethe::Clock;
using lethe::Event;
using lethe::packed_nil;
using lethe::Reader;

namespace {

// Of what the daemon has not yet taken, or will be sent later; more is refused rather than hoarded.
constexpr size_t max_unsent_bytes = size_t{256} << 20;
// Of a request before its body: an array of four, its kind, its id.
constexpr size_t request_head_bytes = 7;
// A connection that was idle this long is looked at before it is used: the daemon may have been
// restarted meanwhile, and a request that is not sent needs no excuse.
constexpr std::chrono::milliseconds trusted_idle{10};

} // namespace

lethe_client::Request lethe_client::make_request(lethe_completion completion, void *user) {
  auto request = std::make_shared<lethe_request>();
  request->client = shared_from_this();
  request->completion = completion;
  request->user = user;
  request->handle = request;
  return request;
}

lethe_client::Request lethe_client::refuse(std::string_view why, lethe_completion completion,
                                           void *user) {
  auto request = make_request(completion, user);
  const Lock lock(mutex_);
  complete(*request, lethe_reply::error("invalid_request", why));
  return request;
}

lethe_client::Request lethe_client::submit(std::string_view body, std::chrono::milliseconds timeout,
                                           lethe_completion completion, void *user) {
  auto request = make_request(completion, user);
  const Lock lock(mutex_);
  const auto now = Clock::now();
  request->give_up_at = now + timeout;
  if (!leading_ && idle() && now - last_received_ > trusted_idle)
    pump(now);
  do
    request->turn = ++last_turn_;
  while (in_flight_.contains(request->id()));
  if (body.size() + request_head_bytes > max_message_bytes_) {
    complete(*request,
             lethe_reply::error("too_large", "the request has " + std::to_string(body.size()) +
                                                 " bytes; the limit is " +
                                                 std::to_string(max_message_bytes_)));
    return request;
  }
  if (transport_.output().size() + waiting_bytes_ + body.size() > max_unsent_bytes) {
    complete(*request, lethe_reply::error("overloaded", "the daemon takes requests too slowly: 256 "
                                                        "MiB wait to be sent"));
    return request;
  }
  if (!transport_.connected()) {
    if (idle())
      held_until_ = now + connect_timeout_;
    try_connect(now);
    if (leading_)
      ::eventfd_write(wake_leader_.get(), 1); // there may be a socket now
  }
  if (transport_.connected() && in_flight_.size() < max_in_flight_)
    put_into_output(request, body);
  else
    begin_to_wait(request, body);
  if (completion) {
    const auto place = timeouts_.emplace(request->give_up_at, request).first;
    if (place == timeouts_.begin() && !dispatchers_.empty())
      notify(*dispatchers_.front()); // it sleeps for too long
  }
  fail_held(now);
  send();
  arm_timer();
  return request;
}

void lethe_client::begin_to_wait(const Request &request, std::string_view body) {
  request->body = body;
  waiting_bytes_ += body.size();
  waiting_.emplace(request->turn, request);
}

void lethe_client::put_into_output(const Request &request, std::string_view body) {
  lethe::Buffer &output = transport_.output();
  request->begin = transport_.end_of_output();
  lethe::Packer packer(output);
  lethe::begin_request(packer, request->id());
  request->body_begin = transport_.end_of_output();
  output.append(body);
  request->end = transport_.end_of_output();
  in_flight_.emplace(request->id(), request);
}

// As far as there is a connection, and room in flight.
void lethe_client::put_waiting() {
  while (!waiting_.empty() && transport_.connected() && in_flight_.size() < max_in_flight_) {
    const Request request = waiting_.begin()->second;
    waiting_.erase(waiting_.begin());
    waiting_bytes_ -= request->body.size();
    put_into_output(request, std::exchange(request->body, {}));
  }
}

void lethe_client::set_limits(size_t max_in_flight, size_t max_message_bytes) {
  const Lock lock(mutex_);
  max_in_flight_ = max_in_flight;
  max_message_bytes_ = max_message_bytes;
  put_waiting();
  send();
}

// Sends what is in the output; what doesn't fit is sent by the leader or by lethe_dispatch().
void lethe_client::send() {
  transport_.flush();
  watch_socket();
  if (leading_ && !transport_.output().empty())
    ::eventfd_write(wake_leader_.get(), 1);
}

void lethe_client::cancel(lethe_request &request) {
  const Lock lock(mutex_);
  if (request.done || closed_)
    return;
  if (waiting_.contains(request.turn))
    complete(request, lethe_reply::error("cancelled", "it was cancelled before it was sent"));
  else
    send_cancel(request);
}

// Nobody wants the reply any more.
void lethe_client::abandon(lethe_request &request) {
  const Lock lock(mutex_);
  request.events.clear();
  if (request.done)
    return;
  request.done = true;
  if (!waiting_.contains(request.turn))
    send_cancel(request);
  take_out(request);
  send();
}

void lethe_client::send_cancel(lethe_request &request) {
  request.cancelled = true;
  lethe::Packer packer(transport_.output());
  lethe::begin_notification(packer, "cancel", request.id(), 1);
  send();
}

void lethe_client::answer(uint64_t epoch, uint32_t call_id, std::string_view error,
                          std::string_view result) {
  const Lock lock(mutex_);
  if (epoch == epoch_)
    send_answer(call_id, error, result);
}

void lethe_client::send_answer(uint32_t call_id, std::string_view error, std::string_view result) {
  lethe::Packer packer(transport_.output());
  lethe::begin_response(packer, call_id);
  transport_.output().append(error);
  transport_.output().append(result);
  send();
}

void lethe_client::give_up(lethe_request &request) {
  if (waiting_.contains(request.turn)) {
    complete(request, lethe_reply::error("timed_out", "it could not be sent within its timeout"));
    return;
  }
  send_cancel(request);
  complete(request, lethe_reply::error("timed_out", "no reply came within the request's timeout; "
                                                    "it was cancelled and may have been run"));
  send();
}

// Of what has no reply; another may have its place.
void lethe_client::take_out(lethe_request &request) {
  const Request share = request.shared_from_this();
  timeouts_.erase({request.give_up_at, share});
  in_flight_.erase(request.id());
  if (waiting_.erase(request.turn) > 0)
    waiting_bytes_ -= request.body.size();
  put_waiting();
}

void lethe_client::complete(lethe_request &request, lethe_reply *reply) {
  request.reply.reset(reply);
  request.done = true;
  make_ready(request);
  take_out(request); // last: there may be no other share of it
}

// Takes in one message. False: it is none of this protocol.
bool lethe_client::handle_message(std::string_view message) {
  Reader reader(message);
  const auto parts = reader.array();
  const auto kind = reader.integer();
  if (reader.failed())
    return false;
  if (kind == lethe::rpc_response && parts == uint32_t{4})
    return handle_response(reader);
  if (kind == lethe::rpc_request && parts == uint32_t{4})
    return handle_request(reader);
  return kind == lethe::rpc_notification && parts == uint32_t{3} && handle_notification(reader);
}

bool lethe_client::handle_response(Reader &reader) {
  const auto id = reader.integer();
  const auto error = reader.take_raw();
  const auto result = reader.take_raw();
  if (reader.failed())
    return false;
  const auto found = in_flight_.find(static_cast<uint32_t>(*id));
  if (found == in_flight_.end())
    return true; // given up meanwhile
  const Request request = found->second;
  complete(*request,
           *error == packed_nil ? lethe_reply::result(*result) : lethe_reply::error(*error));
  return true;
}

// The daemon asks only one thing: [0, id, "host.call", [msgid, name, [arg, …]]].
bool lethe_client::handle_request(Reader &reader) {
  const auto call_id = reader.integer();
  const auto method = reader.string();
  if (reader.failed())
    return false;
  if (*method != "host.call") {
    answer_error(static_cast<uint32_t>(*call_id), "unknown_method", "there is only host.call");
    return true;
  }
  const auto parts = reader.array();
  const auto id = reader.integer();
  const auto name = reader.string();
  const auto arguments = reader.take_raw();
  if (reader.failed() || parts != uint32_t{3})
    return false;
  add_event(static_cast<uint32_t>(*id), {Event::Kind::host_call, static_cast<uint32_t>(*call_id),
                                         std::string(*name), std::string(*arguments)});
  return true;
}

bool lethe_client::handle_notification(Reader &reader) {
  const auto method = reader.string();
  const auto parts = reader.array();
  if (reader.failed())
    return false;
  const bool is_console = *method == "console" && parts == uint32_t{3};
  if (!is_console && (*method != "stats" || parts != uint32_t{2}))
    return true; // of a later version
  const auto id = reader.integer();
  if (is_console) {
    const auto level = reader.string();
    const auto text = reader.string();
    if (!reader.failed())
      add_event(static_cast<uint32_t>(*id),
                {Event::Kind::console, 0, std::string(*level), std::string(*text)});
  } else if (const auto figures = reader.take_raw(); !reader.failed()) {
    add_event(static_cast<uint32_t>(*id), {Event::Kind::stats, 0, {}, std::string(*figures)});
  }
  return !reader.failed();
}

void lethe_client::add_event(uint32_t request_id, Event event) {
  const auto found = in_flight_.find(request_id);
  if (found != in_flight_.end()) {
    found->second->events.push_back(std::move(event));
    make_ready(*found->second);
  } else if (event.kind == Event::Kind::host_call) {
    answer_error(event.call_id, "cancelled", "the request that this call belongs to has ended");
  }
}

void lethe_client::answer_error(uint32_t call_id, std::string_view code, std::string_view message) {
  const std::unique_ptr<lethe_reply> reply(lethe_reply::error(code, message));
  send_answer(call_id, reply->bytes, packed_nil);
}
