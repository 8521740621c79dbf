// SPDX-License-Identifier: Apache-2.0
// What the programs in C++ connect by.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <stdexcept>
#include <string>

inline const char *socket_path;

// A connection that is closed at the end of its scope.
class Connection {
public:
  Connection() : socket_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::string(socket_path).copy(address.sun_path, sizeof address.sun_path - 1);
    const timeval patience{.tv_sec = 5, .tv_usec = 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(socket_, reinterpret_cast<sockaddr *>(&address), sizeof address) != 0)
      throw std::runtime_error("connect");
  }
  ~Connection() { close(socket_); }
  Connection(const Connection &) = delete;
  void send(const char *data, size_t size) const {
    if (write(socket_, data, size) != static_cast<ssize_t>(size))
      throw std::runtime_error("write");
  }
  size_t receive(char *data, size_t size) const {
    const ssize_t received = read(socket_, data, size);
    if (received <= 0)
      throw std::runtime_error("connection closed");
    return static_cast<size_t>(received);
  }

private:
  int socket_;
};

inline std::string long_text() {
  std::string text = "\ufeff";
  for (int i = 0; i < 60; ++i)
    text += "long ";
  return text;
}
