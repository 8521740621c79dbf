// SPDX-License-Identifier: Apache-2.0
// libwslay's callbacks.
#include "client/command/web_socket.h"
#include "client/base64.h"

#include <cerrno>
#include <openssl/evp.h>
#include <poll.h>
#include <sys/socket.h>

namespace lethe::command {
namespace {

constexpr uint64_t longest_message_bytes = uint64_t{64} << 20;
constexpr int goodbye_ms = 1000;

} // namespace

std::string web_socket_accept(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int bytes = 0;
  EVP_Digest(text.data(), text.size(), digest, &bytes, EVP_sha1(), nullptr);
  return encode_base64({reinterpret_cast<const char *>(digest), bytes});
}

WebSocket::WebSocket(FileDescriptor socket, std::string_view early, Heard heard)
    : socket_(std::move(socket)), early_(early), heard_(std::move(heard)) {
  const wslay_event_callbacks callbacks{.recv_callback = receive,
                                        .send_callback = send,
                                        .genmask_callback = nullptr,
                                        .on_frame_recv_start_callback = nullptr,
                                        .on_frame_recv_chunk_callback = nullptr,
                                        .on_frame_recv_end_callback = nullptr,
                                        .on_msg_recv_callback = message};
  wslay_event_context_ptr context = nullptr;
  if (wslay_event_context_server_init(&context, &callbacks, this) != 0)
    throw std::bad_alloc();
  context_.reset(context);
  wslay_event_config_set_max_recv_msg_length(context, longest_message_bytes);
}

void WebSocket::say(std::string_view text) {
  const wslay_event_msg message{WSLAY_TEXT_FRAME, reinterpret_cast<const uint8_t *>(text.data()),
                                text.size()};
  wslay_event_queue_msg(context_.get(), &message);
}

void WebSocket::close() {
  // A control frame would overtake the messages that wait.
  if (send_all())
    wslay_event_queue_close(context_.get(), WSLAY_CODE_NORMAL_CLOSURE, nullptr, 0);
  send_all();
}

bool WebSocket::send_all() {
  while (wslay_event_want_write(context_.get())) {
    pollfd poll_for{socket_.get(), POLLOUT, 0};
    if (::poll(&poll_for, 1, goodbye_ms) <= 0 || wslay_event_send(context_.get()) != 0)
      return false;
  }
  return true;
}

short WebSocket::events() const {
  return static_cast<short>((wslay_event_want_read(context_.get()) ? POLLIN : 0) |
                            (wslay_event_want_write(context_.get()) ? POLLOUT : 0));
}

bool WebSocket::advance() {
  if (wslay_event_recv(context_.get()) != 0 || wslay_event_send(context_.get()) != 0)
    return false;
  return wslay_event_want_read(context_.get()) || wslay_event_want_write(context_.get());
}

ssize_t WebSocket::receive(wslay_event_context_ptr context, uint8_t *room, size_t bytes, int,
                           void *self) {
  std::string &early = static_cast<WebSocket *>(self)->early_;
  if (const size_t taken = early.copy(reinterpret_cast<char *>(room), bytes); taken > 0) {
    early.erase(0, taken);
    return static_cast<ssize_t>(taken);
  }
  const ssize_t received = ::recv(static_cast<WebSocket *>(self)->descriptor(), room, bytes, 0);
  if (received > 0)
    return received;
  const bool later = received < 0 && (errno == EAGAIN || errno == EINTR);
  wslay_event_set_error(context, later ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
  return -1;
}

ssize_t WebSocket::send(wslay_event_context_ptr context, const uint8_t *data, size_t bytes, int,
                        void *self) {
  const ssize_t sent =
      ::send(static_cast<WebSocket *>(self)->descriptor(), data, bytes, MSG_NOSIGNAL);
  if (sent >= 0)
    return sent;
  const bool later = errno == EAGAIN || errno == EINTR;
  wslay_event_set_error(context, later ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
  return -1;
}

void WebSocket::message(wslay_event_context_ptr, const wslay_event_on_msg_recv_arg *message,
                        void *self) {
  if (message->opcode == WSLAY_TEXT_FRAME)
    static_cast<WebSocket *>(self)->heard_(
        {reinterpret_cast<const char *>(message->msg), message->msg_length});
}

} // namespace lethe::command
