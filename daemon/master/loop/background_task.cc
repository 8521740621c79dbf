// SPDX-License-Identifier: Apache-2.0
// The child's report, from its pipe.
#include "daemon/master/loop/background_task.h"
#include "ipc/invariant.h"

#include <cerrno>
#include <unistd.h>

namespace lethe {

BackgroundTask::BackgroundTask(EventLoop &loop, ChildReaper &reaper, const Work &work, int kept,
                               Done done)
    : done_(std::move(done)) {
  const auto report = [work] {
    const Result<Nothing> result = work();
    return result ? "+" : "-" + result.error().message;
  };
  auto aside = reaper.kernel().run_aside(report, kept);
  if (!aside) { // said from the loop, as everything else
    report_ = "-" + aside.error().message;
    failed_at_once_ = std::make_unique<Timer>(
        loop, [this] { done_(Error(ErrorCode::internal, report_.substr(1))); });
    failed_at_once_->start(0);
    return;
  }
  reaper.wait_for(aside->pid, [](int) {}); // its report tells; but it is known
  pipe_ = std::move(aside->report);
  readable_ = std::make_unique<Watch>(loop, pipe_.get(), EV_READ, [this] { read(); });
  readable_->enable();
}

void BackgroundTask::read() {
  invariant(readable_->enabled(), "a background task ends once");
  char piece[4096];
  const ssize_t count = ::read(pipe_.get(), piece, sizeof piece);
  if (count > 0) {
    report_.append(piece, static_cast<size_t>(count));
    return;
  }
  if (count < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  readable_->disable();
  if (report_ == "+")
    done_(Nothing{});
  else
    done_(Error(ErrorCode::internal,
                report_.empty() ? "the process that writes to the disk died" : report_.substr(1)));
}

} // namespace lethe
