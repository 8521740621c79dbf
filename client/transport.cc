// SPDX-License-Identifier: Apache-2.0
// The socket to the daemon.
#include "client/transport.h"
#include "client/json.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>
#include <system_error>
#include <unistd.h>

namespace lethe {
namespace {

constexpr size_t read_bytes = 64 * 1024;
constexpr size_t keep_bytes = 1024 * 1024; // of an idle buffer
constexpr size_t max_message_bytes = size_t{1} << 30;

std::string usual_path() {
  const char *path = std::getenv("LETHE_SOCKET");
  return path && *path != '\0' ? path : "/run/lethe/lethe.sock";
}

} // namespace

Transport::Transport(const std::string &path)
    : path_(path.empty() ? usual_path() : path), skimmer_(max_value_depth) {}

int Transport::connect() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path_.size() >= sizeof address.sun_path)
    return ENAMETOOLONG;
  std::memcpy(address.sun_path, path_.data(), path_.size());
  FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket)
    return errno;
  if (::connect(socket.get(), reinterpret_cast<const sockaddr *>(&address), sizeof address) < 0)
    return errno;
  socket_ = std::move(socket);
  owner_ = ::getpid();
  return 0;
}

std::string Transport::unreachable_message(int error) const {
  std::string text = "can't connect to " + path_ + ": ";
  if (error == EAGAIN)
    return text + "the daemon has too many connections waiting to be accepted";
  text += std::generic_category().message(error);
  if (error == ENOENT || error == ECONNREFUSED)
    text += " (is lethed running?)";
  return text;
}

void Transport::disconnect() {
  // A copy that a forked process has doesn't keep the connection open. (In that process the copy goes.)
  if (socket_ && owner_ == ::getpid())
    ::shutdown(socket_.get(), SHUT_RDWR);
  socket_.reset();
  sent_ += output_.size(); // so that positions stay in order
  output_.clear();
  input_.clear();
  skimmer_.reset();
  taken_ = 0;
  broken_ = false;
}

void Transport::flush() {
  while (socket_ && !output_.empty()) {
    const ssize_t sent = ::send(socket_.get(), output_.data(), output_.size(), MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR)
        continue;
      if (errno != EAGAIN)
        ::shutdown(socket_.get(), SHUT_RDWR);
      return;
    }
    sent_ += static_cast<uint64_t>(sent);
    output_.consume(static_cast<size_t>(sent));
  }
  output_.shrink(keep_bytes);
}

bool Transport::receive() {
  input_.consume(taken_);
  taken_ = 0;
  // A long message in few reads: at least as much as has already come of it.
  const size_t wanted = std::max(read_bytes, input_.size());
  char *room = input_.reserve(wanted);
  const ssize_t received = ::recv(socket_.get(), room, wanted, 0);
  if (received < 0)
    return errno == EAGAIN || errno == EINTR;
  input_.commit(static_cast<size_t>(received));
  return received > 0;
}

std::optional<std::string_view> Transport::next() {
  input_.consume(taken_);
  taken_ = 0;
  if (input_.empty()) {
    input_.shrink(keep_bytes);
    return std::nullopt;
  }
  const Skimmer::State state = skimmer_.advance(input_.view());
  if (state == Skimmer::State::complete) {
    taken_ = skimmer_.position();
    skimmer_.reset();
    return input_.view().substr(0, taken_);
  }
  broken_ = state != Skimmer::State::incomplete || skimmer_.position() > max_message_bytes;
  return std::nullopt;
}

} // namespace lethe
