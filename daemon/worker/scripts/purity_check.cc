// SPDX-License-Identifier: Apache-2.0
// The processes that look, and what they tell each other.
#include "daemon/worker/scripts/purity_check.h"
#include "ipc/clock.h"
#include "ipc/files.h"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lethe {
namespace {

// Lines: what changed; an empty one; what nobody knows; an empty one, and this.
constexpr std::string_view last_line = "that is all";

void say(int output, const PortraitDifference &difference) {
  std::string text;
  for (const auto *list : {&difference.changed, &difference.unknown}) {
    for (std::string line : *list) {
      for (char &letter : line)
        if (letter == '\n')
          letter = ' ';
      text.append(line).append("\n");
    }
    text.append("\n");
  }
  text.append(last_line);
  // It fits into a pipe: nobody has to read yet.
  (void)!::write(output, text.data(), text.size());
}

PortraitDifference nobody_knows(std::string_view why) {
  return compare(Portrait::unknown(why), Portrait());
}

} // namespace

PurityCheck::PurityCheck(Paint paint) : paint_(std::move(paint)) {
  before_ = fork([this](int output) { portrait().write(output); });
}

Portrait PurityCheck::portrait() const {
  auto portrait = paint_();
  return portrait ? std::move(*portrait) : Portrait::unknown(portrait.error().message);
}

PurityCheck::~PurityCheck() { end(before_); }

PortraitDifference PurityCheck::compare() {
  Child after = fork([this](int output) {
    const Portrait present = portrait();
    const auto before = Portrait::read(before_.output.get());
    say(output, before ? lethe::compare(*before, present)
                       : nobody_knows("looking at the script before the calls has failed"));
  });
  const std::string text = read_to_end(after.output.get());
  end(after);
  if (!text.ends_with(last_line))
    return nobody_knows("looking at the script has failed");
  PortraitDifference difference;
  auto *list = &difference.changed;
  for (size_t begin = 0, end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1)
    if (end == begin)
      list = &difference.unknown;
    else
      list->push_back(text.substr(begin, end - begin));
  return difference;
}

PurityCheck::Child PurityCheck::fork(const std::function<void(int)> &body) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return {};
  Child child{.output = FileDescriptor(ends[0])};
  const FileDescriptor input(ends[1]);
  child.pid = ::fork();
  if (child.pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    child.output.reset(); // else nobody would tell that the reader is gone
    body(input.get());
    _exit(0);
  }
  return child;
}

void PurityCheck::end(Child &child) {
  child.output.reset();
  if (child.pid > 0)
    while (::waitpid(child.pid, nullptr, 0) < 0 && errno == EINTR) {
    }
  child.pid = -1;
}

bool is_true_in_fork(const std::function<bool()> &body) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const sigset_t none{};
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    _exit(body() ? 0 : 1);
  }
  int status = -1;
  while (child > 0 && ::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return child > 0 && status == 0;
}

// By its own timer: a zygote may not kill.
void end_this_process_at(uint64_t time_ns) {
  const uint64_t now = now_ns(), left_us = time_ns > now ? (time_ns - now) / 1000 + 1 : 1;
  const itimerval limit{
      {},
      {static_cast<time_t>(left_us / 1'000'000), static_cast<suseconds_t>(left_us % 1'000'000)}};
  ::setitimer(ITIMER_REAL, &limit, nullptr);
}

} // namespace lethe
