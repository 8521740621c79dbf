// SPDX-License-Identifier: Apache-2.0
// fork, exec, wait.
#include "daemon/master/loop/process.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
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

// From /proc/PID/task/TID/children: one short file, where a look at the parent of every process
// would take a machine with thousands of them too long for the event loop. While a child ends, the
// kernel may leave out others of the list: whoever asks has to ask again. Empty where the kernel
// was built without this file (CONFIG_PROC_CHILDREN).
std::vector<pid_t> children_of_this_process() {
  std::vector<pid_t> children;
  std::ifstream file("/proc/thread-self/children");
  for (pid_t pid = 0; file >> pid;)
    children.push_back(pid);
  return children;
}

std::string name_of_process(pid_t pid) {
  std::string name;
  std::getline(std::ifstream(fmt::format("/proc/{}/comm", pid)), name);
  return name;
}

} // namespace

Result<ChildProcess> start_process(ProcessBooks &books, const ChildPlan &plan) {
  std::vector<std::string> command = plan.command;
  std::vector<std::string> environment = childs_environment();
  // Both are made here: nothing may be allocated between fork and exec.
  const auto arguments = pointers(command), variables = pointers(environment);
  const pid_t master = getpid();
  const pid_t pid = fork();
  if (pid == 0)
    become(plan, arguments.data(), variables.data(), master);
  if (pid < 0)
    return Error(ErrorCode::internal, system_message("fork"));
  FileDescriptor pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd) {
    const Error error(ErrorCode::internal, system_message("pidfd_open"));
    kill(pid, SIGKILL); // our own child, not reaped yet: the number is still its own
    return error;
  }
  return ChildProcess(books, pid, std::move(pidfd));
}

std::string describe_wait_status(int status) {
  if (WIFSIGNALED(status))
    return fmt::format("signal {} ({})", WTERMSIG(status), sigdescr_np(WTERMSIG(status)));
  return fmt::format("exit status {}", WEXITSTATUS(status));
}

// The first process of a container adopts all of that; whoever executes the daemon may have had
// children before.
ChildReaper::ChildReaper(EventLoop &loop, ProcessBooks &books,
                         std::function<void(pid_t, int)> others,
                         std::function<void(pid_t, std::string_view)> stray)
    : books_(books), others_(std::move(others)), stray_(std::move(stray)),
      has_foreign_children_(getpid() == 1 || !children_of_this_process().empty()),
      signal_(loop, SIGCHLD, EV_SIGNAL, [this] { reap(); }) {
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

void ChildReaper::kill_strays() {
  reap();
  books_.forget_ended();
  for (const pid_t pid : children_of_this_process()) {
    if (waiting_.contains(pid) || books_.has(pid))
      continue;
    const std::string name = name_of_process(pid);
    if (has_foreign_children_ && !name.starts_with("lethe-"))
      continue;
    // Not reaped yet: the number is still its own.
    FileDescriptor pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    if (!pidfd)
      continue;
    stray_(pid, name);
    ChildProcess(books_, pid, std::move(pidfd)).kill();
  }
}

bool ChildReaper::end_all(int64_t limit_ms) {
  for (int64_t waited_ms = 0; waited_ms <= limit_ms; ++waited_ms) {
    kill_strays(); // again and again: a process's children come to us when it has ended
    if (waitid(P_ALL, 0, nullptr, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD)
      return true;
    usleep(1000);
  }
  return false;
}

BackgroundTask::BackgroundTask(EventLoop &loop, ChildReaper &reaper, const Work &work, Done done)
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
  else
    reaper.wait_for(pid, [](int) {}); // its report tells; but it is known
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
