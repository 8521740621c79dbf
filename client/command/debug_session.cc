// SPDX-License-Identifier: Apache-2.0
// Messages of a debugger's request.
#include "client/command/debug_session.h"
#include "client/reply.h"
#include "ipc/rpc.h"

#include <iostream>
#include <poll.h>

namespace lethe::command {
namespace {

constexpr uint32_t request_id = 1; // the only one of its connection

} // namespace

DebugSession::DebugSession(const std::string &socket_path, Heard heard)
    : transport_(socket_path), heard_(std::move(heard)) {}

void DebugSession::start(const std::string &method, Value params) {
  if (const int error = transport_.connect(); error != 0)
    return fail("unreachable", transport_.unreachable_message(error));
  Packer packer(transport_.output());
  begin_request(packer, request_id);
  pack_string(packer, method);
  const lethe_value value = params.c_value();
  transport_.output().append({static_cast<const char *>(value.data), value.size});
  transport_.flush();
}

void DebugSession::say(std::optional<std::string_view> message) {
  if (reply_)
    return;
  Packer packer(transport_.output());
  begin_notification(packer, "debug", request_id, 2);
  if (message)
    pack_string(packer, *message);
  else
    packer.pack_nil();
  transport_.flush();
}

short DebugSession::events() const {
  const bool has_output = transport_.end_of_output() > transport_.sent();
  return static_cast<short>(POLLIN | (has_output ? POLLOUT : 0));
}

void DebugSession::advance() {
  transport_.flush();
  const bool open = transport_.receive();
  while (!reply_) {
    const auto message = transport_.next();
    if (!message)
      break;
    if (!handle(*message))
      fail("internal", "the daemon sent what is not MessagePack-RPC");
  }
  if (!reply_ && (!open || transport_.broken()))
    fail("connection_lost", "the daemon closed the connection");
}

const Reply &DebugSession::run() {
  while (!reply_) {
    pollfd poll_for{descriptor(), events(), 0};
    if (::poll(&poll_for, 1, -1) > 0)
      advance();
  }
  return *reply_;
}

bool DebugSession::handle(std::string_view message) {
  Reader reader(message);
  const auto parts = reader.array();
  const auto kind = reader.integer();
  if (parts == 3u && kind == rpc_notification) {
    handle_notification(reader);
    return !reader.failed();
  }
  const auto id = reader.integer();
  if (parts != 4u || !id)
    return false;
  if (kind == rpc_request) {
    refuse_call(static_cast<uint32_t>(*id));
    return true;
  }
  const auto error = reader.take_raw(), result = reader.take_raw();
  if (!error || !result)
    return false;
  reply_.emplace(*error == packed_nil ? lethe_reply::result(*result) : lethe_reply::error(*error));
  return true;
}

void DebugSession::handle_notification(Reader &reader) {
  const auto method = reader.string();
  const auto parts = reader.array();
  reader.skip(); // the request's id
  if (method == "console" && parts == 3u) {
    reader.skip();
    if (const auto text = reader.string())
      std::cerr << *text << '\n';
  } else if (method == "debug" && parts == 2u) {
    Item item;
    if (reader.next(item))
      heard_(item.kind == Kind::string ? std::optional(item.bytes) : std::nullopt);
  }
}

// host.call(): this command does nothing for scripts.
void DebugSession::refuse_call(uint32_t id) {
  Packer packer(transport_.output());
  begin_response(packer, id);
  packer.pack_map(2);
  pack_string(packer, "code");
  pack_string(packer, "unknown_method");
  pack_string(packer, "message");
  pack_string(packer, "the command lethe answers no calls of scripts");
  packer.pack_nil();
  transport_.flush();
}

void DebugSession::fail(std::string_view code, const std::string &message) {
  reply_.emplace(lethe_reply::error(code, message));
}

} // namespace lethe::command
