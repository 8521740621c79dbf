// SPDX-License-Identifier: Apache-2.0
// Running lethe-snapshot.
#include "daemon/master/pools/snapshot_build.h"
#include "daemon/master/operation/log.h"
#include "ipc/wait_status.h"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sys/wait.h>

namespace lethe {
namespace {

constexpr size_t most_error_bytes = 16 * 1024;

} // namespace

SnapshotBuild::SnapshotBuild(Environment &environment, ChildReaper &reaper,
                             const ZygoteSettings &settings, Done done)
    : environment_(environment), reaper_(reaper), done_(std::move(done)),
      start_failed_(environment.loop,
                    [this] { report(Error(ErrorCode::internal, start_error_)); }) {
  ++environment_.snapshot_builds;
  ChildPlan plan;
  plan.command = {environment.snapshot_program, "build", "--deadline-ms",
                  std::to_string(environment.settings.snapshot_deadline_ms)};
  const auto arguments = snapshot_arguments(settings);
  plan.command.insert(plan.command.end(), arguments.begin(), arguments.end());
  plan.dies_with_master = true;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) {
    start_error_ = system_message("pipe");
    start_failed_.start(0);
    return;
  }
  error_pipe_.reset(ends[0]);
  const FileDescriptor writing_end(ends[1]);
  plan.standard_error = writing_end.get();
  auto started = start_process(environment.processes, plan);
  if (!started) {
    start_error_ = started.error().message;
    start_failed_.start(0);
    return;
  }
  log_info("building the startup snapshot");
  process_ = std::move(*started);
  fcntl(error_pipe_.get(), F_SETFL, O_NONBLOCK);
  error_readable_ =
      std::make_unique<Watch>(environment.loop, error_pipe_.get(), EV_READ, [this] { read(); });
  error_readable_->enable();
  reaper_.wait_for(process_.pid(), [this](int status) { ended(status); });
}

SnapshotBuild::~SnapshotBuild() {
  invariant(environment_.snapshot_builds > 0, "a snapshot's build ends once");
  --environment_.snapshot_builds;
  if (process_)
    reaper_.forget(process_.pid());
}

void SnapshotBuild::read() {
  char piece[4096];
  for (;;) {
    const ssize_t count = ::read(error_pipe_.get(), piece, sizeof piece);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0 && errno == EAGAIN)
      return;
    if (count <= 0)
      return error_readable_->disable();
    // The rest is read and dropped: a full pipe would stop the child.
    if (error_text_.size() < most_error_bytes)
      error_text_.append(piece, static_cast<size_t>(count));
  }
}

void SnapshotBuild::ended(int wait_status) {
  read();
  process_ = {};
  while (error_text_.ends_with('\n'))
    error_text_.pop_back();
  if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0) {
    ++environment_.counters.snapshots_built;
    if (!error_text_.empty())
      log_warning("lethe-snapshot: {}", error_text_);
    return report(Nothing{});
  }
  report(Error(ErrorCode::internal, "the startup snapshot cannot be built: " +
                                        (error_text_.empty() ? "lethe-snapshot ended with " +
                                                                   describe_wait_status(wait_status)
                                                             : error_text_)));
}

void SnapshotBuild::report(Result<Nothing> result) {
  invariant(done_, "a snapshot's build calls back once");
  const Done done = std::move(done_); // it may end this object
  done(std::move(result));
}

} // namespace lethe
