// SPDX-License-Identifier: Apache-2.0
// fork, exec, wait.
#include "daemon/master/loop/process.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lethe {
namespace {

// Between fork and exec: only system calls.
[[noreturn]] void become(const ChildPlan &plan, char *const *arguments, char *const *environment,
                         pid_t master) {
  sigset_t none;
  sigemptyset(&none);
  // A signal that is ignored stays so over exec.
  for (const int ignored : {SIGPIPE, SIGHUP, SIGINT, SIGTERM, SIGCHLD})
    ::signal(ignored, SIG_DFL);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (plan.dies_with_master) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    // The master may have died before the call above.
    if (getppid() != master)
      _exit(1);
  }
  const int null = ::open("/dev/null", O_RDWR);
  // Above the numbers that they are to become, so that neither overwrites the other.
  const int error = plan.standard_error >= 0 ? fcntl(plan.standard_error, F_DUPFD, 10) : -1;
  const int third = plan.descriptor_3 >= 0 ? fcntl(plan.descriptor_3, F_DUPFD, 10) : -1;
  dup2(null, STDIN_FILENO);
  dup2(null, STDOUT_FILENO);
  if (error >= 0)
    dup2(error, STDERR_FILENO);
  if (third >= 0)
    dup2(third, 3);
  close_range(third >= 0 ? 4 : 3, ~0u, CLOSE_RANGE_UNSHARE);
  execve(arguments[0], arguments, environment);
  const char *reason = strerrordesc_np(errno);
  dprintf(STDERR_FILENO, "lethed: cannot execute %s: %s\n", arguments[0], reason);
  _exit(127);
}

std::vector<char *> pointers(std::vector<std::string> &strings) {
  std::vector<char *> result;
  result.reserve(strings.size() + 1);
  for (std::string &text : strings)
    result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

// The master's environment without what the service manager says to the master alone.
std::vector<std::string> childs_environment() {
  std::vector<std::string> result;
  for (char **variable = environ; *variable; ++variable) {
    const std::string_view given = *variable;
    const std::string_view name = given.substr(0, given.find('='));
    if (name != "NOTIFY_SOCKET" && name != "WATCHDOG_USEC" && name != "WATCHDOG_PID")
      result.emplace_back(given);
  }
  return result;
}

} // namespace

Result<ChildProcess> start_process(const ChildPlan &plan) {
  std::vector<std::string> command = plan.command;
  std::vector<std::string> environment = childs_environment();
  // Both are made here: nothing may be allocated between fork and exec.
  const auto arguments = pointers(command), variables = pointers(environment);
  const pid_t master = getpid();
  ChildProcess child;
  child.pid = fork();
  if (child.pid == 0)
    become(plan, arguments.data(), variables.data(), master);
  if (child.pid < 0)
    return Error(ErrorCode::internal, system_message("fork"));
  child.pidfd.reset(static_cast<int>(syscall(SYS_pidfd_open, child.pid, 0)));
  if (!child.pidfd) {
    const Error error(ErrorCode::internal, system_message("pidfd_open"));
    kill(child.pid, SIGKILL); // our own child, not reaped yet: the number is still its own
    return error;
  }
  return child;
}

bool send_signal(const FileDescriptor &pidfd, int signal) {
  return syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) == 0;
}

std::string describe_wait_status(int status) {
  if (WIFSIGNALED(status))
    return fmt::format("signal {} ({})", WTERMSIG(status), sigdescr_np(WTERMSIG(status)));
  return fmt::format("exit status {}", WEXITSTATUS(status));
}

ChildReaper::ChildReaper(EventLoop &loop, std::function<void(pid_t, int)> others)
    : others_(std::move(others)), signal_(loop, SIGCHLD, EV_SIGNAL, [this] { reap(); }) {
  signal_.enable();
}

void ChildReaper::reap() {
  int status = 0;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    if (const auto entry = waiting_.find(pid); entry != waiting_.end()) {
      const Callback callback = std::move(entry->second);
      waiting_.erase(entry);
      callback(status);
    } else {
      others_(pid, status);
    }
  }
}

bool ChildReaper::wait_for_all(int64_t limit_ms) {
  for (int64_t waited_ms = 0; waited_ms <= limit_ms;) {
    const pid_t pid = waitpid(-1, nullptr, WNOHANG);
    if (pid < 0 && errno == ECHILD)
      return true;
    if (pid == 0) {
      usleep(1000);
      ++waited_ms;
    }
  }
  return false;
}

BackgroundTask::BackgroundTask(EventLoop &loop, const Work &work, Done done)
    : done_(std::move(done)) {
  int ends[2] = {-1, -1};
  pid_t pid = -1;
  if (pipe2(ends, O_CLOEXEC) == 0)
    pid = fork();
  if (pid == 0) {
    // Clients must not wait for the disk to see a connection closed.
    dup2(ends[1], STDIN_FILENO);
    close_range(3, ~0u, CLOSE_RANGE_UNSHARE);
    const Result<Nothing> result = work();
    const std::string report = result ? "+" : "-" + result.error().message;
    _exit(::write(STDIN_FILENO, report.data(), report.size()) < 0);
  }
  if (pid < 0)
    report_ = "-" + system_message("fork");
  pipe_.reset(ends[0]);
  FileDescriptor writing_end(ends[1]);
  if (pid < 0) { // said from the loop, as everything else
    failed_at_once_ = std::make_unique<Timer>(
        loop, [this] { done_(Error(ErrorCode::internal, report_.substr(1))); });
    failed_at_once_->start(0);
    return;
  }
  fcntl(pipe_.get(), F_SETFL, O_NONBLOCK);
  readable_ = std::make_unique<Watch>(loop, pipe_.get(), EV_READ, [this] { read(); });
  readable_->enable();
}

void BackgroundTask::read() {
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
