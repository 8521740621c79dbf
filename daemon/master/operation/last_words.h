// SPDX-License-Identifier: Apache-2.0
// The standard error of zygotes and workers. They run strangers' code: so what they write becomes
// lines of the log that say where they are from, and not more of them than somebody reads.
#pragma once

#include "daemon/master/loop/event_loop.h"
#include "ipc/file_descriptor.h"

#include <cstddef>
#include <optional>
#include <string>

namespace lethe {

// One pipe for all of them. Writing to it never waits: who fills it writes to nobody.
class LastWords {
public:
  explicit LastWords(EventLoop &loop);
  // For a child to inherit; stays this object's.
  int writing_end() const { return writing_end_.get(); }
  // Logs what is there, for want of a next round.
  void take_rest();

private:
  void read();
  void log_lines();
  void begin_second();

  FileDescriptor reading_end_, writing_end_;
  std::optional<Watch> readable_;
  Timer second_;     // pending since something was written, until the second is over
  std::string text_; // of a line that has not ended
  size_t bytes_left_ = 0, lines_left_ = 0; // in this second
  bool is_cut_ = false;
};

} // namespace lethe
