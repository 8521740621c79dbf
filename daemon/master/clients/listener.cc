// SPDX-License-Identifier: Apache-2.0
// Making the socket, and accepting.
#include "daemon/master/clients/listener.h"
#include "daemon/master/operation/log.h"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <grp.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace lethe {
namespace {

constexpr int accepts_per_round = 64; // the others have their turn, too
constexpr int64_t back_off_us = 100'000;

Error socket_error(std::string_view what, const std::string &path) {
  return Error(ErrorCode::internal, system_message(fmt::format("socket {}: {}", path, what)));
}

// A path that is taken: by a living daemon, by a file that is none of ours, or by the leftover of a
// daemon that was killed, which is removed.
Result<Nothing> clear_path(const sockaddr_un &address, const std::string &path) {
  struct stat file {};
  if (lstat(path.c_str(), &file) < 0)
    return Nothing{};
  if (!S_ISSOCK(file.st_mode))
    return Error(ErrorCode::internal,
                 fmt::format("socket {}: there is a file that is not a socket; remove it or choose "
                             "another path",
                             path));
  const FileDescriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe)
    return socket_error("socket", path);
  // ECONNREFUSED: the file is there, and nobody listens any more.
  if (connect(probe.get(), reinterpret_cast<const sockaddr *>(&address), sizeof address) == 0 ||
      errno != ECONNREFUSED)
    return Error(ErrorCode::internal,
                 fmt::format("socket {}: in use; another lethed listens there", path));
  if (unlink(path.c_str()) < 0)
    return socket_error("remove the stale file", path);
  return Nothing{};
}

} // namespace

Result<Nothing> Listener::open(std::vector<FileDescriptor> inherited) {
  if (!inherited.empty()) {
    socket_ = std::move(inherited[0]);
    fcntl(socket_.get(), F_SETFL, O_NONBLOCK); // the service manager's sockets block
    sockaddr_un address{};
    socklen_t bytes = sizeof address;
    getsockname(socket_.get(), reinterpret_cast<sockaddr *>(&address), &bytes);
    path_ = address.sun_path;
  } else if (auto made = make_socket(); !made) {
    return made;
  }
  watch_ =
      std::make_unique<Watch>(environment_.loop, socket_.get(), EV_READ, [this] { accept_some(); });
  return Nothing{};
}

Result<Nothing> Listener::make_socket() {
  const Settings &settings = environment_.settings;
  const std::string &path = settings.socket;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  constexpr size_t most_bytes = sizeof address.sun_path - 1;
  if (path.empty() || path.size() > most_bytes)
    return Error(ErrorCode::internal,
                 fmt::format("socket {}: the path has {} bytes; the kernel allows 1 to {}", path,
                             path.size(), most_bytes));
  std::memcpy(address.sun_path, path.data(), path.size());
  unsigned mode = 0;
  const char *end = settings.socket_mode.data() + settings.socket_mode.size();
  if (const auto [parsed, error] = std::from_chars(settings.socket_mode.data(), end, mode, 8);
      error != std::errc() || parsed != end || mode > 0777)
    return Error(ErrorCode::internal,
                 fmt::format("socket_mode: must be octal permissions like \"0660\", not \"{}\"",
                             settings.socket_mode));
  std::error_code ignored; // bind() tells what is wrong
  std::filesystem::create_directory(std::filesystem::path(path).parent_path(), ignored);
  if (auto cleared = clear_path(address, path); !cleared)
    return cleared;
  socket_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket_)
    return socket_error("socket", path);
  // The mask, rather than chmod() afterwards: at no moment is the socket open to others than it may
  // be.
  const mode_t old_mask = umask(static_cast<mode_t>(0777 & ~mode));
  const int bound =
      bind(socket_.get(), reinterpret_cast<const sockaddr *>(&address), sizeof address);
  umask(old_mask);
  if (bound < 0)
    return socket_error("bind", path);
  path_ = path;
  if (lstat(path.c_str(), &own_file_) < 0)
    return socket_error("stat", path);
  if (!settings.socket_group.empty()) {
    const group *entry = getgrnam(settings.socket_group.c_str());
    if (!entry)
      return Error(ErrorCode::internal,
                   fmt::format("socket_group: no group {}", settings.socket_group));
    if (chown(path.c_str(), static_cast<uid_t>(-1), entry->gr_gid) < 0)
      return socket_error("change the group", path);
  }
  if (listen(socket_.get(), SOMAXCONN) < 0)
    return socket_error("listen", path);
  return Nothing{};
}

void Listener::accept_some() {
  for (int i = 0; i < accepts_per_round && socket_; ++i) {
    FileDescriptor client(accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (client) {
      accepted_(std::move(client));
      continue;
    }
    // The client stays in the kernel's queue and the socket readable: without a pause the loop
    // would do nothing else.
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      log_warning("{}; the next connection is accepted in {} ms", system_message("accept"),
                  back_off_us / 1000);
      watch_->disable();
      resume_.start(back_off_us);
    }
    // ECONNABORTED: that client has gone while it waited; the next one may be there.
    if (errno != ECONNABORTED && errno != EINTR)
      return;
  }
}

void Listener::close() {
  resume_.stop();
  watch_.reset();
  socket_.reset();
  struct stat file {};
  if (own_file_.st_ino != 0 && lstat(path_.c_str(), &file) == 0 &&
      file.st_ino == own_file_.st_ino && file.st_dev == own_file_.st_dev)
    unlink(path_.c_str());
  own_file_ = {};
}

} // namespace lethe
