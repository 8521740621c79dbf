// SPDX-License-Identifier: Apache-2.0
// A client that is disconnected for what it sent: it is told why, and so is the log.
#include "daemon/master/clients/connection.h"
#include "daemon/master/clients/replies.h"
#include "daemon/master/dispatch/dispatcher.h"
#include "daemon/master/operation/log.h"
#include "ipc/error_map.h"
#include "ipc/rpc.h"

#include <cerrno>
#include <sys/socket.h>

namespace lethe {
namespace {

constexpr int64_t linger_us = 1'000'000; // for a client to read why it is disconnected

// What stands in a request where its msgid should be, if it is short: its sender knows it again.
std::optional<std::string_view> wrong_msgid(std::string_view message) {
  constexpr size_t most_bytes = 32;
  Reader reader(message);
  if (!reader.array() || reader.integer() != rpc_request)
    return std::nullopt;
  const auto raw = reader.take_raw();
  return raw && raw->size() <= most_bytes ? raw : std::nullopt;
}

} // namespace

// The msgid of a request whose rest is broken or missing, if that much has come.
std::optional<uint32_t> Connection::readable_msgid(std::string_view message) {
  Reader reader(message);
  if (!reader.array() || reader.integer() != rpc_request)
    return std::nullopt;
  const auto msgid = reader.integer();
  if (!msgid || *msgid < 0 || *msgid > UINT32_MAX)
    return std::nullopt;
  return static_cast<uint32_t>(*msgid);
}

// Says why, sends what is in the output, and closes. The client may be in the middle of sending:
// closing at once would reset the connection and take the answer away from it.
void Connection::give_up(std::string_view message, const Error &error) {
  tell_why(message, error);
  if (!refusal_) {
    ++environment_.counters.connections_broken;
    log_why(error);
  }
  state_.move_to(State::giving_up, error.message);
  unfinished_.stop();
  rest_.stop();
  const Error cancelled(ErrorCode::cancelled, "the connection is closed: " + error.message);
  while (!requests_.empty()) {
    send_error(requests_.back()->msgid, cancelled);
    requests_.back()->dispatcher->cancel(*requests_.back(), false);
  }
  stalled_.start(linger_us);
  readable_.enable();
  flush_later();
}

// As a reply, which all clients read; as a notification if there is nothing to reply to.
void Connection::tell_why(std::string_view message, const Error &error) {
  if (const auto msgid = readable_msgid(message)) {
    if (has(*msgid))
      return; // it is in flight, and will hear it
    ++unanswered_;
    send_error(*msgid, error);
  } else if (const auto raw = wrong_msgid(message)) {
    write_error_response(output_, *raw, error, hello_.errors);
  } else if (requests_.empty()) {
    Packer packer(output_);
    packer.pack_array(3).pack_uint8(rpc_notification);
    pack_string(packer, "closed");
    packer.pack_array(2);
    pack_string(packer, error_name(error.code));
    pack_text(packer, error.message);
  }
}

// The client's name comes last: whatever it is, it is taken for nothing else.
void Connection::log_why(const Error &error) {
  LineAllowance &lines = account()->broken_lines;
  if (!lines.take(environment_.loop.now_us()))
    return;
  const uint32_t left_out = lines.left_out();
  log_info("{} of user {} is closed for what it sent, at byte {}: {}{}{}", who(), account()->user,
           handled_bytes_, error.message,
           left_out == 0 ? "" : fmt::format("; {} lines like this are left out", left_out),
           hello_.client.empty() ? "" : "; client " + hello_.client);
}

// The kernel resets a Unix socket that is closed with unread input, and the client could lose the
// reason that it was sent: so what still comes is read, and forgotten.
void Connection::discard_input() {
  char room[64 * 1024];
  const ssize_t received = ::recv(socket_.get(), room, sizeof room, 0);
  if (received == 0 || (received < 0 && errno != EAGAIN && errno != EINTR))
    close();
}

} // namespace lethe
