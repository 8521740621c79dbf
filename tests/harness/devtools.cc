// SPDX-License-Identifier: Apache-2.0
// A small WebSocket client (RFC 6455).
#include "tests/harness/devtools.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace lethe::test {
namespace {

enum Opcode : unsigned char { text_frame = 1, close_frame = 8 };

FileDescriptor connect_to(int port) {
  FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  expect(::connect(socket.get(), reinterpret_cast<sockaddr *>(&address), sizeof address) == 0,
         "connecting to the debugger's port");
  return socket;
}

void send_all(int socket, const std::string &bytes) {
  for (size_t sent = 0; sent < bytes.size();) {
    const ssize_t now = ::send(socket, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    expect(now > 0, "sending to the debugger's port");
    sent += static_cast<size_t>(now);
  }
}

// Appends what comes next. False: nothing more will.
bool receive_more(int socket, std::string &input) {
  expect(wait_readable({socket}) == 0, "nothing came in time");
  char room[65536];
  const ssize_t received = ::recv(socket, room, sizeof room, 0);
  if (received > 0)
    input.append(room, static_cast<size_t>(received));
  return received > 0;
}

} // namespace

std::string http_get(int port, const std::string &path, const std::string &host) {
  const FileDescriptor socket = connect_to(port);
  send_all(socket.get(),
           "GET " + path + " HTTP/1.1\r\nHost: " + host + ":" + std::to_string(port) + "\r\n\r\n");
  std::string answer;
  while (receive_more(socket.get(), answer)) {
  }
  const size_t body = answer.find("\r\n\r\n");
  return answer.starts_with("HTTP/1.1 200") && body != std::string::npos ? answer.substr(body + 4)
                                                                         : "";
}

DevTools::DevTools(int port) {
  const json list = json::parse(http_get(port, "/json/list"));
  const std::string url = list[0]["webSocketDebuggerUrl"];
  const std::string before = "ws://127.0.0.1:" + std::to_string(port);
  expect(url.starts_with(before), "the list names another address: " + url);
  socket_ = connect_to(port);
  send_all(socket_.get(), "GET " + url.substr(before.size()) +
                              " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
                              "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                              "Sec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  size_t end = std::string::npos;
  while ((end = input_.find("\r\n\r\n")) == std::string::npos &&
         receive_more(socket_.get(), input_)) {
  }
  expect(input_.starts_with("HTTP/1.1 101"), "no WebSocket: " + input_);
  // The key and its answer are the example of RFC 6455.
  expect(input_.find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n") < end,
         "a wrong handshake: " + input_);
  input_.erase(0, end + 4);
}

void DevTools::send_frame(unsigned char opcode, const std::string &payload) {
  std::string frame{static_cast<char>(0x80 | opcode)};
  if (payload.size() < 126) {
    frame += static_cast<char>(0x80 | payload.size());
  } else {
    frame += static_cast<char>(0x80 | 126);
    frame += static_cast<char>(payload.size() >> 8);
    frame += static_cast<char>(payload.size());
  }
  constexpr unsigned char mask[] = {0x12, 0x34, 0x56, 0x78};
  frame.append(reinterpret_cast<const char *>(mask), sizeof mask);
  for (size_t i = 0; i < payload.size(); ++i)
    frame += static_cast<char>(static_cast<unsigned char>(payload[i]) ^ mask[i % 4]);
  send_all(socket_.get(), frame);
}

std::string DevTools::read(size_t bytes) {
  while (input_.size() < bytes)
    expect(receive_more(socket_.get(), input_), "the WebSocket was cut off");
  std::string taken = input_.substr(0, bytes);
  input_.erase(0, bytes);
  return taken;
}

std::string DevTools::read_frame(unsigned char &opcode) {
  const std::string head = read(2);
  opcode = static_cast<unsigned char>(head[0]) & 15;
  expect((static_cast<unsigned char>(head[0]) & 0x80) != 0, "a fragment");
  size_t bytes = static_cast<unsigned char>(head[1]);
  expect(bytes < 128, "a server masks nothing");
  if (bytes >= 126) {
    const std::string length = read(bytes == 126 ? 2 : 8);
    bytes = 0;
    for (const char byte : length)
      bytes = bytes << 8 | static_cast<unsigned char>(byte);
  }
  return read(bytes);
}

json DevTools::receive() {
  unsigned char opcode = 0;
  const std::string payload = read_frame(opcode);
  expect(opcode == text_frame, "not text, but a frame " + std::to_string(opcode) + ": " + payload);
  return json::parse(payload);
}

json DevTools::ask(const std::string &method, const json &params, Where where) {
  const int id = ++last_id_;
  send_frame(text_frame, json({{"id", id}, {"method", method}, {"params", params}}).dump());
  for (;;) {
    json message = receive();
    if (!message.contains("id")) {
      events_.push_back(std::move(message));
      continue;
    }
    expect_equal(message["id"], id, where);
    expect(message.contains("result"), method + ": " + message.dump(), where);
    return message["result"];
  }
}

json DevTools::event(const std::string &method, Where) {
  for (;;) {
    json message;
    if (events_.empty()) {
      message = receive();
    } else {
      message = std::move(events_.front());
      events_.pop_front();
    }
    if (message.value("method", "") == method)
      return message["params"];
  }
}

bool DevTools::is_closed_by_server() {
  unsigned char opcode = 0;
  while (opcode != close_frame)
    read_frame(opcode);
  return !receive_more(socket_.get(), input_);
}

} // namespace lethe::test
