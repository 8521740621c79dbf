// SPDX-License-Identifier: Apache-2.0
// The socket that clients connect to.
#pragma once

#include "daemon/master/dispatch/environment.h"
#include "ipc/error.h"
#include "ipc/file_descriptor.h"

#include <functional>
#include <sys/stat.h>
#include <vector>

namespace lethe {

// From the service manager (socket activation), else made at the configured path; a stale file
// there, whose owner is dead, is replaced. Goes with its file.
class Listener {
public:
  using Accepted = std::function<void(FileDescriptor)>;

  Listener(Environment &environment, Accepted accepted)
      : environment_(environment), accepted_(std::move(accepted)),
        resume_(environment.loop, [this] { watch_->enable(); }) {}
  ~Listener() { close(); }

  // Clients can connect from now on; they are accepted after enable(). `inherited`: listening
  // sockets of the service manager, of which the first is used.
  Result<Nothing> open(std::vector<FileDescriptor> inherited);
  void enable() { watch_->enable(); }
  void close();
  const std::string &path() const { return path_; }

private:
  Result<Nothing> make_socket();
  void accept_some();

  Environment &environment_;
  Accepted accepted_;
  std::string path_;
  FileDescriptor socket_;
  struct stat own_file_ {}; // to remove no other one
  std::unique_ptr<Watch> watch_;
  Timer resume_; // after the limit on open files was met
};

} // namespace lethe
