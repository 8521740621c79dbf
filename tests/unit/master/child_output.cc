// SPDX-License-Identifier: Apache-2.0
// What children write to standard error becomes lines of the log, as many as are good for it.
#include "daemon/master/operation/child_output.h"
#include "daemon/master/operation/log.h"

#include <algorithm>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <functional>
#include <string>
#include <unistd.h>

using namespace lethe;

namespace {

struct SteppedClock final : Clock {
  int64_t now_us() const override { return us; }
  int64_t us = 1;
};

// A log that is a pipe.
struct LoggedOutput {
  LoggedOutput() {
    int ends[2];
    cr_assert_eq(::pipe2(ends, O_NONBLOCK), 0);
    ::fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
    log.reset(ends[0]);
    ::dup2(ends[1], STDERR_FILENO);
    ::close(ends[1]);
    open_log(LogLevel::info);
    auto opened = outputs.open("pool p");
    cr_assert(opened);
    pipe = std::move(*opened);
  }
  void write(std::string_view text) {
    [[maybe_unused]] const auto written = ::write(pipe.get(), text.data(), text.size());
  }
  void round(int64_t passed_us = 0) {
    clock.us += passed_us;
    loop.run_round(false);
    char piece[65536];
    for (ssize_t count; (count = ::read(log.get(), piece, sizeof piece)) > 0;)
      logged.append(piece, static_cast<size_t>(count));
  }
  size_t count(std::string_view text) const {
    size_t found = 0;
    for (size_t at = 0; (at = logged.find(text, at)) != logged.npos; at += text.size())
      ++found;
    return found;
  }

  SteppedClock clock;
  EventLoop loop{clock};
  ChildOutputs outputs{loop};
  FileDescriptor log, pipe;
  std::string logged;
};

} // namespace

Test(child_output, each_line_comes_into_the_log_with_its_origin_and_nothing_that_a_terminal_obeys) {
  LoggedOutput output;
  output.write("one\ntw");
  output.round();
  cr_expect_eq(output.count("warning pool p: one\n"), 1);
  cr_expect_eq(output.count("tw"), 0);
  output.write("o\x1b[2J\r2026-01-01 error forged\n");
  output.round();
  cr_expect_eq(output.count("warning pool p: two [2J 2026-01-01 error forged\n"), 1, "%s",
               output.logged.c_str());
}

Test(child_output, the_last_words_need_no_line_end_and_the_pipe_then_goes) {
  LoggedOutput output;
  output.write("last");
  output.pipe.reset();
  output.round();
  cr_expect_eq(output.count("pool p: last\n"), 1);
  cr_expect_eq(output.outputs.pipes(), 0);
}

Test(child_output, what_there_is_can_be_had_before_the_loops_next_round) {
  LoggedOutput output;
  output.write("died of this\n");
  output.outputs.read();
  output.pipe.reset();
  output.outputs.read();
  output.round();
  cr_expect_eq(output.count("died of this"), 1);
}

// Neither the log nor the loop: and the next second's words are heard.
Test(child_output, whoever_writes_without_end_fills_nothing) {
  LoggedOutput output;
  for (int rounds = 0; rounds < 1000; ++rounds) {
    for (int lines = 0; lines < 100; ++lines)
      output.write("flood\n");
    output.round();
  }
  cr_expect_eq(output.count("flood"), ChildOutputs::most_lines);
  output.round(1'000'000);
  cr_expect_eq(output.count("flood"), ChildOutputs::most_lines);
  cr_expect_eq(output.count("are left out"), 1);
  cr_expect_gt(output.outputs.dropped_lines(), uint64_t{1000});
  output.write("a word that is worth something\n");
  output.round();
  cr_expect_eq(output.count("worth something"), 1);
}

Test(child_output, a_line_without_end_is_cut_and_bounded) {
  LoggedOutput output;
  const std::string piece(4096, 'x');
  for (int rounds = 0; rounds < 1000; ++rounds) {
    output.write(piece);
    output.round();
  }
  cr_expect_leq(output.logged.size(), 2 * ChildOutputs::most_bytes);
  cr_expect_gt(output.logged.size(), ChildOutputs::most_bytes / 2);
}

Test(child_output, who_writes_never_waits) {
  LoggedOutput output;
  const std::string piece(4096, 'x');
  ssize_t written = 0;
  for (int i = 0; i < 1000 && written >= 0; ++i)
    written = ::write(output.pipe.get(), piece.data(), piece.size());
  cr_expect_eq(written, -1);
  cr_expect_eq(errno, EAGAIN);
}
