// SPDX-License-Identifier: Apache-2.0
// A pipe that is read so fast and no faster.
#include "daemon/master/operation/last_words.h"
#include "daemon/master/operation/log.h"
#include "ipc/error.h"

#include <algorithm>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace lethe {
namespace {

constexpr int64_t second_us = 1'000'000;
// In a second: some stacks of V8's, which it writes when it gives up.
constexpr size_t most_bytes = 16 * 1024, most_lines = 100;
constexpr size_t most_bytes_of_line = 1000;

} // namespace

LastWords::LastWords(EventLoop &loop)
    : second_(loop, [this] { begin_second(); }), bytes_left_(most_bytes), lines_left_(most_lines) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
    fatal("there is a pipe for what children write");
  reading_end_.reset(ends[0]);
  writing_end_.reset(ends[1]);
  readable_.emplace(loop, reading_end_.get(), EV_READ, [this] { read(); });
  readable_->enable();
}

void LastWords::read() {
  if (!second_.pending())
    second_.start(second_us);
  char piece[4096];
  while (bytes_left_ > 0) {
    const ssize_t count = ::read(reading_end_.get(), piece, std::min(sizeof piece, bytes_left_));
    if (count <= 0)
      return;
    bytes_left_ -= static_cast<size_t>(count);
    text_.append(piece, static_cast<size_t>(count));
    log_lines();
  }
  readable_->disable(); // the pipe is soon full, and nobody waits for it
  is_cut_ = true;
}

void LastWords::log_lines() {
  size_t begin = 0;
  for (size_t end = 0; (end = text_.find('\n', begin)) != text_.npos ||
                       text_.size() - begin > most_bytes_of_line;) {
    const size_t length = std::min(end - begin, most_bytes_of_line);
    if (lines_left_ == 0)
      is_cut_ = true;
    else if (--lines_left_, length > 0)
      log_warning("from a zygote or worker: {}", std::string_view(text_).substr(begin, length));
    begin += length + (begin + length == end);
  }
  text_.erase(0, begin);
}

void LastWords::begin_second() {
  if (std::exchange(is_cut_, false)) {
    log_warning("zygotes or workers write too much to their standard error: the rest is left out");
    text_.clear();
    char dropped[64 * 1024]; // as much as the pipe holds
    static_cast<void>(::read(reading_end_.get(), dropped, sizeof dropped));
  }
  bytes_left_ = most_bytes;
  lines_left_ = most_lines;
  readable_->enable();
}

void LastWords::take_rest() {
  read();
  if (!text_.empty())
    log_warning("from a zygote or worker: {}", text_);
}

} // namespace lethe
