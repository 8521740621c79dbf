// SPDX-License-Identifier: Apache-2.0
// A client's bytes out: from replies and notifications, as fast as it reads.
#include "daemon/master/clients/connection.h"
#include "daemon/master/clients/replies.h"
#include "daemon/master/dispatch/worker_process.h"
#include "ipc/error_map.h"
#include "ipc/rpc.h"

#include <algorithm>
#include <cerrno>
#include <sys/socket.h>

namespace lethe {
namespace {

constexpr uint32_t most_host_calls = 1024; // unanswered ones of one request
// Of host calls: clients that keep one table for both directions count their own from 0 or 1.
constexpr uint32_t first_id = 1u << 30, end_of_ids = 1u << 31;

} // namespace

void Connection::send_result(Request &request, std::string_view result) {
  begin_result(request.msgid).append(result);
  forget(request);
}

void Connection::send_error(Request &request, const Error &error) {
  Error said = error;
  // A chain that is refused was never begun: no step is at fault. What is quarantined has a name.
  if (request.step >= 0 && error.code != ErrorCode::overloaded &&
      error.code != ErrorCode::quarantined)
    said.keys.emplace_back("step", int64_t{request.step});
  send_error(request.msgid, said);
  forget(request);
}

void Connection::send_raw_error(Request &request, std::string_view error_map) {
  answered();
  write_raw_error_response(output_, request.msgid, error_map, request.step, hello_.errors);
  flush_later();
  forget(request);
}

void Connection::send_console(const Request &request, std::string_view level,
                              std::string_view text) {
  if (output_full()) {
    ++environment_.counters.console_dropped;
    return;
  }
  Packer packer(output_);
  begin_notification(packer, "console", request.msgid, 3);
  pack_string(packer, level);
  pack_string(packer, text);
  flush_later();
}

void Connection::send_stats(const Request &request, const RunStats &stats) {
  Packer packer(output_);
  begin_notification(packer, "stats", request.msgid, 2);
  const std::pair<std::string_view, int64_t> values[] = {
      {"queue_us", stats.queue_us},   {"run_us", stats.run_us},   {"cpu_us", stats.cpu_us},
      {"rewind_us", stats.rewind_us}, {"heap_kb", stats.heap_kb}, {"generation", stats.generation},
      {"worker", stats.worker}};
  packer.pack_map(std::size(values));
  for (const auto &[key, value] : values) {
    pack_string(packer, key);
    packer.pack_int64(value);
  }
  flush_later();
}

bool Connection::send_debug_output(const Request &request, std::optional<std::string_view> text) {
  Packer packer(output_);
  begin_notification(packer, "debug", request.msgid, 2);
  if (text)
    pack_string(packer, *text);
  else
    packer.pack_nil();
  flush_later();
  room_awaited_ |= output_full();
  return !output_full();
}

void Connection::send_host_call(Request &request, const message::HostCall &call) {
  const auto reject = [&](const Error &error) {
    Buffer map;
    write_error(map, error);
    request.worker->send_host_reply(request.sequence, {call.call_id, map.view(), packed_nil});
  };
  if (!hello_.host_calls)
    return reject(Error(ErrorCode::not_found,
                        fmt::format("the caller has no host function \"{}\"", call.name)));
  // The script hears of it rather than waiting for its deadline.
  if (output_full() || request.host_calls >= most_host_calls)
    return reject(Error(ErrorCode::overloaded, "the client does not answer host calls"));
  do
    last_host_call_ =
        last_host_call_ + 1 < end_of_ids ? std::max(last_host_call_ + 1, first_id) : first_id;
  while (host_calls_.contains(last_host_call_));
  host_calls_[last_host_call_] = {&request, call.call_id};
  ++request.host_calls;
  Packer packer(output_);
  begin_request(packer, last_host_call_);
  pack_string(packer, "host.call");
  packer.pack_array(3).pack_uint32(request.msgid);
  pack_string(packer, call.name);
  output_.append(call.arguments);
  flush_later();
}

Buffer &Connection::begin_result(uint32_t msgid) {
  answered();
  write_result_head(output_, msgid);
  flush_later();
  return output_;
}

void Connection::send_error(uint32_t msgid, const Error &error) {
  if (closed())
    return;
  answered();
  write_error_response(output_, msgid, error, hello_.errors);
  flush_later();
}

void Connection::answered() {
  invariant(unanswered_ > 0, "a reply answers a request", {"connection", serial});
  --unanswered_;
}

bool Connection::output_full() const {
  return output_.size() > static_cast<size_t>(environment_.settings.max_output_bytes);
}

void Connection::flush() {
  if (closed())
    return;
  while (!output_.empty()) {
    const ssize_t sent = ::send(socket_.get(), output_.data(), output_.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR)
      continue;
    if (sent < 0 && !is_for_the_moment(errno))
      return close();
    if (sent < 0)
      break;
    output_.consume(static_cast<size_t>(sent));
    // Each byte has that long: whoever takes a little now and then does not hold the rest for ever.
    due_bytes_ -= std::min(due_bytes_, static_cast<size_t>(sent));
    if (due_bytes_ == 0 && !state_.is(State::giving_up))
      stalled_.stop();
  }
  count_bytes();
  if (!output_.empty()) {
    if (environment_.out_of_memory() && !owner_.make_room(*this))
      return close();
    writable_.enable();
    if (!stalled_.pending()) {
      due_bytes_ = output_.size();
      stalled_.start(environment_.settings.stall_timeout_ms * 1000);
    }
    if (output_full() && state_.is(State::serving))
      block();
    return;
  }
  writable_.disable();
  output_.shrink(kept_bytes);
  const bool room_was_awaited = std::exchange(room_awaited_, false);
  if (state_.is(State::giving_up))
    shutdown(socket_.get(), SHUT_WR);
  else if (state_.is(State::blocked))
    unblock();
  else if (room_was_awaited)
    owner_.connection_drained();
}

void Connection::block_lanes(bool blocked) {
  for (const auto &waiting : lanes_)
    if (waiting)
      waiting->queue->block(waiting->lane, blocked);
}

void Connection::block() {
  state_.move_to(State::blocked);
  block_lanes(true);
  readable_.disable();
  unfinished_.stop();
}

// What waits in the input is handled now.
void Connection::unblock() {
  state_.move_to(State::serving);
  block_lanes(false);
  if (!unheard_)
    readable_.enable();
  handle_rest();
  if (!closed())
    owner_.connection_drained();
}

void Connection::count_bytes() { held_.set(input_.held_bytes() + output_.held_bytes()); }

} // namespace lethe
