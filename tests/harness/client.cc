// SPDX-License-Identifier: Apache-2.0
// A client of the raw protocol.
#include "tests/harness/client.h"

#include "ipc/message_pack.h"
#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>

namespace lethe::test {

std::string to_bytes(const json &value) {
  std::string bytes;
  json::to_msgpack(value, bytes);
  return bytes;
}

Client::Client(const std::string &socket_path)
    : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  expect(socket_path.size() < sizeof address.sun_path, "socket path too long");
  std::memcpy(address.sun_path, socket_path.data(), socket_path.size());
  expect(::connect(socket_.get(), reinterpret_cast<sockaddr *>(&address), sizeof address) == 0,
         "connect " + socket_path + ": " + std::strerror(errno));
}

uint32_t Client::start(const std::string &method, const json &params) {
  const uint32_t msgid = ++last_msgid_;
  send(to_bytes({0, msgid, method, params}));
  return msgid;
}

void Client::notify(const std::string &method, const json &params) {
  send(to_bytes({2, method, params}));
}

Reply Client::wait(uint32_t msgid, milliseconds limit) {
  const auto end = Clock::now() + limit;
  while (true) {
    if (const auto found = replies_.find(msgid); found != replies_.end()) {
      Reply reply = std::move(found->second);
      replies_.erase(found);
      return reply;
    }
    if (auto message = take_message()) {
      dispatch(*message);
      continue;
    }
    const auto left = std::chrono::ceil<milliseconds>(end - Clock::now());
    expect(read_more(std::max(left, milliseconds(0))),
           "no reply to request " + std::to_string(msgid) +
               (left.count() > 0 ? ": the connection was closed" : " in time"));
  }
}

json Client::result(const std::string &method, const json &params, Where where) {
  const Reply reply = request(method, params);
  expect(!reply.failed(), method + " failed: " + shown(reply.error()), where);
  return reply.result();
}

json Client::error(const std::string &method, const json &params, Where where) {
  const Reply reply = request(method, params);
  if (!reply.failed())
    fail(method + " succeeded: " + shown(reply.result()), where);
  json error = reply.error();
  expect(error.is_object() && error.contains("code") && error.contains("message") &&
             !error["message"].get<std::string>().empty(),
         "an error without code or message: " + shown(error), where);
  return error;
}

void Client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR)
      continue;
    expect(sent > 0, "send: " + std::string(std::strerror(errno)));
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

size_t Client::send_some(std::string_view bytes) {
  const ssize_t sent =
      ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return sent < 0 ? 0 : static_cast<size_t>(sent);
}

bool Client::read_more(milliseconds limit) {
  if (wait_readable({socket_.get()}, limit) < 0)
    return false;
  constexpr size_t bytes = 1 << 16;
  const ssize_t received = ::recv(socket_.get(), input_.reserve(bytes), bytes, 0);
  if (received <= 0)
    return false;
  input_.commit(static_cast<size_t>(received));
  return true;
}

std::optional<std::string> Client::take_message() {
  Skimmer skimmer(100'000);
  const auto state = skimmer.advance(input_.view());
  if (state == Skimmer::State::incomplete)
    return std::nullopt;
  expect(state == Skimmer::State::complete, "the daemon sent what is not MessagePack");
  std::string message(input_.view().substr(0, skimmer.position()));
  input_.consume(message.size());
  return message;
}

void Client::dispatch(const std::string &message) {
  Reader reader(message);
  const auto parts = reader.array();
  const auto type = reader.integer();
  if (parts == 4 && type == 1) {
    const auto msgid = static_cast<uint32_t>(reader.integer().value());
    const auto error = reader.take_raw().value(), result = reader.take_raw().value();
    expect(replies_.emplace(msgid, Reply{std::string(error), std::string(result)}).second,
           "two replies to request " + std::to_string(msgid));
  } else if (parts == 4 && type == 0) {
    const auto id = static_cast<uint32_t>(reader.integer().value());
    expect(reader.string() == "host.call", "a request of the daemon that is no host.call");
    answer_host_call(id, reader.rest());
  } else if (parts == 3 && type == 2) {
    const std::string method(reader.string().value());
    notifications.push_back({method, json::from_msgpack(std::string(reader.rest()))});
  } else {
    fail("the daemon sent what is not MessagePack-RPC");
  }
}

void Client::answer_host_call(uint32_t id, std::string_view params) {
  const json call = json::from_msgpack(std::string(params));
  host_call_ids.push_back(id);
  json error, result;
  try {
    if (on_host_call)
      result = on_host_call(call.at(0), call.at(1), call.at(2));
    else
      error = {{"message", "this client answers no calls"}};
  } catch (const HostError &thrown) {
    error = thrown.error;
  }
  send(to_bytes({1, id, error, result}));
}

std::optional<std::string> Client::receive(milliseconds limit) {
  const auto end = Clock::now() + limit;
  while (true) {
    if (auto message = take_message())
      return message;
    const auto left = std::chrono::ceil<milliseconds>(end - Clock::now());
    if (!read_more(std::max(left, milliseconds(0))))
      return std::nullopt;
  }
}

bool Client::closes(milliseconds limit) {
  const auto end = Clock::now() + limit;
  while (wait_readable({socket_.get()}, std::chrono::ceil<milliseconds>(end - Clock::now())) == 0) {
    char bytes[65536];
    if (::recv(socket_.get(), bytes, sizeof bytes, 0) <= 0)
      return true;
  }
  return false;
}

} // namespace lethe::test
