// SPDX-License-Identifier: Apache-2.0
// A request of a debugger: it and its client speak with each other until it is answered.
#pragma once

#include "client/include/lethe.hpp"
#include "client/transport.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace lethe::command {

// On a connection of its own. liblethe's interface has no place for what passes here.
class DebugSession {
public:
  // Of a `debug` notification. Nothing: from now on the worker hears what is said to it.
  using Heard = std::function<void(std::optional<std::string_view> text)>;

  // An empty path: as in Client::connect().
  DebugSession(const std::string &socket_path, Heard heard);

  // Connects and sends. What fails becomes the reply.
  void start(const std::string &method, Value params);
  // To the worker: a message, or that the debugger has left.
  void say(std::optional<std::string_view> message);
  const std::optional<Reply> &reply() const { return reply_; }

  // For poll(); then advance() reads and writes without waiting.
  int descriptor() const { return transport_.descriptor(); }
  short events() const;
  void advance();
  // Until the reply is there.
  const Reply &run();

private:
  bool handle(std::string_view message);
  void handle_notification(Reader &reader);
  void refuse_call(uint32_t id);
  void fail(std::string_view code, const std::string &message);

  Transport transport_;
  Heard heard_;
  std::optional<Reply> reply_;
};

} // namespace lethe::command
