// SPDX-License-Identifier: Apache-2.0
// The socket to the daemon: connecting, output that waits until there is room, input cut into
// messages.
#pragma once

#include "ipc/buffer.h"
#include "ipc/file_descriptor.h"
#include "ipc/message_pack.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace lethe {

// Never blocks. For one thread at a time.
class Transport {
public:
  // An empty path: $LETHE_SOCKET, else the system's daemon.
  explicit Transport(const std::string &path);

  // One attempt. 0 on success, else the errno; EAGAIN: the daemon is there but accepts too slowly.
  int connect();
  // What to tell of an attempt that failed.
  std::string unreachable_message(int error) const;
  void disconnect(); // drops what was not sent or not read
  bool connected() const { return bool{socket_}; }
  int descriptor() const { return socket_.get(); }
  const std::string &path() const { return path_; }

  Buffer &output() { return output_; }
  // Positions in the stream of all bytes ever put into output().
  uint64_t end_of_output() const { return sent_ + output_.size(); }
  uint64_t sent() const { return sent_; }

  // Sends what the socket takes. A failure shows up as the end of the input: replies that have
  // already come are still to be read.
  void flush();

  // Reads once. False: the connection has ended.
  bool receive();
  // The next complete message, valid until the next call of receive() or next(). Nothing: there is
  // none, or, if broken(), none will ever be.
  std::optional<std::string_view> next();
  bool broken() const { return broken_; }

private:
  std::string path_;
  FileDescriptor socket_;
  pid_t owner_ = 0; // the process that connected
  Buffer input_, output_;
  Skimmer skimmer_;
  size_t taken_ = 0; // bytes of input_ that the last message occupies
  uint64_t sent_ = 0;
  bool broken_ = false;
};

} // namespace lethe
