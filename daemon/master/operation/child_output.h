// SPDX-License-Identifier: Apache-2.0
// What zygotes and their workers write to standard error: last words. They do not have the daemon's
// own one, which a process that was broken into could flood, or read from if it is a terminal.
#pragma once

#include "daemon/master/loop/event_loop.h"
#include "ipc/error.h"
#include "ipc/file_descriptor.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace lethe {

// The pipes, one for each program that was executed and all that it forks. Each goes when the last
// of its processes has gone.
class ChildOutputs {
public:
  // Of one pipe in one second. What is beyond is dropped, and the log says so.
  static constexpr size_t most_lines = 200, most_bytes = size_t{64} << 10;

  explicit ChildOutputs(EventLoop &loop) : loop_(loop) {}
  // The writing end of a new pipe. Whoever writes never waits: where the pipe is full, it is lost.
  // Its lines come into the log behind `who`.
  Result<FileDescriptor> open(std::string who);
  // Takes what there is now, rather than in the loop's next round.
  void read();
  uint64_t dropped_lines() const { return dropped_lines_; } // of all that there were
  size_t pipes() const { return outputs_.size(); }

private:
  class Output;
  void close(Output &output);

  EventLoop &loop_;
  std::vector<std::shared_ptr<Output>> outputs_;
  uint64_t dropped_lines_ = 0;
};

} // namespace lethe
