// SPDX-License-Identifier: Apache-2.0
// From the pipes into the log, and not more than is good for it.
#include "daemon/master/operation/child_output.h"
#include "daemon/master/operation/log.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace lethe {
namespace {

constexpr int64_t second_us = 1'000'000;
constexpr size_t longest_line_bytes = 4096; // what has no end is one line after the other

} // namespace

// Once its second's share is used up, a pipe is not read until the next one: so that whoever writes
// all the time costs the loop little. Then all that it holds is dropped, so that the next words that
// are worth something find room.
class ChildOutputs::Output {
public:
  Output(ChildOutputs &owner, FileDescriptor pipe, std::string who)
      : owner_(owner), pipe_(std::move(pipe)), who_(std::move(who)),
        readable_(owner.loop_, pipe_.get(), EV_READ, [this] { read(); }),
        next_second_(owner.loop_, [this] { begin_second(); }) {
    readable_.enable();
  }

  // Closes this one at its end.
  void read() {
    while (bytes_ < most_bytes && lines_ < most_lines) {
      char piece[4096];
      const ssize_t count = take(piece);
      if (count < 0)
        return;
      if (count == 0)
        return end();
      if (!next_second_.pending())
        next_second_.start(second_us);
      bytes_ += static_cast<size_t>(count);
      add({piece, static_cast<size_t>(count)});
    }
    readable_.disable();
  }

private:
  template <size_t size> ssize_t take(char (&piece)[size]) {
    ssize_t count = 0;
    do
      count = ::read(pipe_.get(), piece, size);
    while (count < 0 && errno == EINTR);
    return count;
  }

  void add(std::string_view text) {
    for (size_t end; (end = text.find('\n')) != text.npos; text.remove_prefix(end + 1)) {
      line_ += text.substr(0, end);
      put_line();
    }
    line_ += text;
    while (line_.size() >= longest_line_bytes)
      put_line();
  }

  void put_line() {
    if (lines_ < most_lines)
      log_warning("{}: {}", who_, std::string_view(line_).substr(0, longest_line_bytes));
    else
      ++dropped_;
    lines_ += lines_ < most_lines ? 1 : 0;
    line_.erase(0, longest_line_bytes);
  }

  void begin_second() {
    const bool was_full = !readable_.enabled();
    lines_ = bytes_ = 0;
    ssize_t count = -1;
    if (was_full)
      drop(count);
    if (dropped_ > 0) {
      owner_.dropped_lines_ += dropped_;
      log_warning("{}: {} more lines or so are left out: there were too many in a second", who_,
                  dropped_);
      dropped_ = 0;
    }
    count == 0 ? end() : readable_.enable();
  }

  // A pipe's worth at most. `count`: of the last read.
  void drop(ssize_t &count) {
    line_.clear();
    for (size_t left = size_t{64} << 10; left > 0;) {
      char piece[4096];
      count = take(piece);
      if (count <= 0)
        return;
      dropped_ += std::max<size_t>(
          1, static_cast<size_t>(std::count(piece, piece + static_cast<size_t>(count), '\n')));
      left -= std::min(left, static_cast<size_t>(count));
    }
  }

  void end() {
    if (!line_.empty())
      put_line();
    next_second_.stop();
    readable_.disable();
    owner_.close(*this);
  }

  ChildOutputs &owner_;
  FileDescriptor pipe_;
  std::string who_, line_;                     // line_: the beginning of one
  size_t lines_ = 0, bytes_ = 0, dropped_ = 0; // in this second
  Watch readable_;
  Timer next_second_;
};

Result<FileDescriptor> ChildOutputs::open(std::string who) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
    return Error(ErrorCode::internal, system_message("pipe"));
  FileDescriptor reading_end(ends[0]), writing_end(ends[1]);
  outputs_.push_back(std::make_shared<Output>(*this, std::move(reading_end), std::move(who)));
  return writing_end;
}

void ChildOutputs::read() {
  const auto outputs = outputs_; // it may be the end of some
  for (const auto &output : outputs)
    output->read();
}

void ChildOutputs::close(Output &output) {
  const auto found = std::ranges::find(outputs_, &output, &std::shared_ptr<Output>::get);
  if (found == outputs_.end())
    return;
  loop_.dispose(std::move(*found));
  outputs_.erase(found);
}

} // namespace lethe
