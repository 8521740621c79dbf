// SPDX-License-Identifier: Apache-2.0
// What Chrome and VS Code look for on a port of this machine: a list of what can be debugged, and
// the WebSocket to it.
#pragma once

#include "client/command/web_socket.h"

#include <functional>
#include <memory>
#include <optional>
#include <poll.h>
#include <string>
#include <string_view>
#include <vector>

namespace lethe::command {

// On 127.0.0.1 only. One debugger at a time. Who may connect to the port and learns the WebSocket's
// address from the list may debug.
class InspectorServer {
public:
  // Of a debugger: a message, or that it has left.
  using Heard = std::function<void(std::optional<std::string_view> message)>;

  InspectorServer(std::string title, Heard heard);

  // Port 0: any that is free. An empty string, or what went wrong.
  std::string listen(uint16_t port);
  uint16_t port() const { return port_; }
  std::string web_socket_url() const;

  void say(std::string_view message);
  void close(); // says goodbye to the debugger
  // Does the debugger take more at present?
  bool has_room() const;

  // Who has connected, on a non-blocking socket. listen() has them come by themselves.
  void welcome(FileDescriptor socket);

  // Adds what to wait for; advance() then does what is possible without waiting.
  void add_to(std::vector<pollfd> &poll_for) const;
  void advance();

private:
  struct Visitor { // a connection that has not said yet what it wants
    FileDescriptor socket;
    std::string input;
  };

  void accept();
  bool advance(Visitor &visitor);
  void answer(Visitor &visitor, size_t head_bytes);
  void begin_debugging(Visitor &visitor, std::string_view key, std::string_view early);
  std::string list() const;

  std::string title_, id_;
  Heard heard_;
  uint16_t port_ = 0;
  FileDescriptor listener_;
  std::vector<Visitor> visitors_;
  std::unique_ptr<WebSocket> debugger_;
};

} // namespace lethe::command
