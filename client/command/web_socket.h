// SPDX-License-Identifier: Apache-2.0
// The server's end of a WebSocket (RFC 6455), after libwslay.
#pragma once

#include "ipc/file_descriptor.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <wslay/wslay.h>

namespace lethe::command {

// The value of Sec-WebSocket-Accept that answers this Sec-WebSocket-Key.
std::string web_socket_accept(std::string_view key);

// On a non-blocking socket whose handshake is done.
class WebSocket {
public:
  using Heard = std::function<void(std::string_view message)>;

  // `early`: what has come already, after the handshake.
  WebSocket(FileDescriptor socket, std::string_view early, Heard heard);
  WebSocket(const WebSocket &) = delete;

  void say(std::string_view text);
  // Says goodbye; what was said before is sent within a second, if the peer reads.
  void close();

  int descriptor() const { return socket_.get(); }
  short events() const;
  size_t waiting_bytes() const { return wslay_event_get_queued_msg_length(context_.get()); }
  // Reads and writes without waiting. False: the peer has left.
  bool advance();

private:
  bool send_all(); // false: it takes too long, or the peer is gone
  static ssize_t receive(wslay_event_context_ptr context, uint8_t *room, size_t bytes, int flags,
                         void *self);
  static ssize_t send(wslay_event_context_ptr context, const uint8_t *data, size_t bytes, int flags,
                      void *self);
  static void message(wslay_event_context_ptr context, const wslay_event_on_msg_recv_arg *message,
                      void *self);

  struct Free {
    void operator()(wslay_event_context *context) const { wslay_event_context_free(context); }
  };
  FileDescriptor socket_;
  std::string early_;
  Heard heard_;
  std::unique_ptr<wslay_event_context, Free> context_;
};

} // namespace lethe::command
