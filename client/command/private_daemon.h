// SPDX-License-Identifier: Apache-2.0
// A lethed of one's own for a moment: private socket, state and configuration in a temporary
// folder.
#pragma once

#include "client/include/lethe.hpp"
#include "ipc/file_descriptor.h"

#include <filesystem>
#include <string>
#include <sys/types.h>

namespace lethe::command {

// The signals that end a command, collected instead of delivered for as long as this lives.
class Interruptions {
public:
  Interruptions();
  ~Interruptions();
  int descriptor() const { return descriptor_.get(); }
  // The signal that has come, or 0.
  int take();

private:
  FileDescriptor descriptor_;
};

class PrivateDaemon {
public:
  PrivateDaemon() = default;
  PrivateDaemon(const PrivateDaemon &) = delete;
  // Stops the daemon and removes its folder.
  ~PrivateDaemon();

  // Starts it and waits until it is ready. An empty string, or what went wrong (also: interrupted).
  std::string start(const Interruptions &interruptions);
  std::string socket_path() const { return folder_ / "lethe.sock"; }

private:
  std::string make_folder();
  std::string spawn();
  std::string wait_until_ready(const Interruptions &interruptions);
  std::string log() const;
  void stop();

  std::filesystem::path folder_;
  FileDescriptor notifications_; // the socket that sd_notify() writes to
  FileDescriptor process_;       // pidfd
  pid_t pid_ = -1;
};

} // namespace lethe::command
