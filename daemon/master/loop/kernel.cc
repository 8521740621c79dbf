// SPDX-License-Identifier: Apache-2.0
// fork, exec, wait, and the files of /proc.
#include "daemon/master/loop/kernel.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <sstream>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lethe {
namespace {

bool close_from(unsigned first) { return close_range(first, ~0u, 0) == 0; }

// A child has its plan's descriptors open and nothing of the master's. The step that failed, or null.
const char *set_up_descriptors(const ChildPlan &plan) {
  const int null = ::open("/dev/null", O_RDWR);
  if (null < 0)
    return "open /dev/null";
  // Above the numbers that they are to become, so that neither overwrites the other.
  const int error = plan.standard_error >= 0 ? fcntl(plan.standard_error, F_DUPFD, 10) : -1;
  const int third = plan.descriptor_3 >= 0 ? fcntl(plan.descriptor_3, F_DUPFD, 10) : -1;
  if ((plan.standard_error >= 0 && error < 0) || (plan.descriptor_3 >= 0 && third < 0) ||
      dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
      (error >= 0 && dup2(error, STDERR_FILENO) < 0) || (third >= 0 && dup2(third, 3) < 0))
    return "duplicate descriptors";
  return close_from(third >= 0 ? 4 : 3) ? nullptr : "close descriptors";
}

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
  const char *step = set_up_descriptors(plan);
  if (!step) {
    execve(arguments[0], arguments, environment);
    step = "execute";
  }
  const char *reason = strerrordesc_np(errno);
  dprintf(STDERR_FILENO, "lethed: %s: cannot %s: %s\n", arguments[0], step, reason);
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

// struct pidfd_info in its first version, and PIDFD_GET_INFO (Linux 6.13): other headers may not know
// them.
struct PidfdInfo {
  uint64_t wanted = 1; // the numbers, which are always told
  uint64_t control_group = 0;
  uint32_t pid = 0, tgid = 0, ppid = 0;
  uint32_t users_and_groups[8] = {};
  int32_t exit_code = 0;
};
constexpr unsigned long pidfd_get_info = _IOWR(0xff, 11, PidfdInfo);
static_assert(sizeof(PidfdInfo) == 64);

constexpr pid_t pid_of_ended = -1; // what the kernel says of a pidfd whose process is gone
constexpr pid_t not_there = -2;    // the line, or the file

// Of the line that begins with `key`; one read, as the files are short.
pid_t number_in(const std::string &path, std::string_view key, pid_t otherwise) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  char text[1024];
  const ssize_t length = file ? ::read(file.get(), text, sizeof text) : 0;
  const std::string_view all(text, static_cast<size_t>(std::max<ssize_t>(length, 0)));
  size_t line = all.find(key);
  while (line != all.npos && line > 0 && all[line - 1] != '\n')
    line = all.find(key, line + 1);
  if (line == all.npos)
    return otherwise;
  const char *number = all.data() + line + key.size();
  const char *const end = all.data() + all.size();
  while (number < end && (*number == '\t' || *number == ' '))
    ++number;
  pid_t value = otherwise;
  std::from_chars(number, end, value);
  return value;
}

} // namespace

Result<Kernel::Started> LinuxKernel::start(const ChildPlan &plan) {
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
  FileDescriptor pidfd = open_pidfd(pid);
  if (!pidfd) {
    const Error error(ErrorCode::internal, system_message("pidfd_open"));
    kill(pid, SIGKILL); // our own child, not reaped yet: the number is still its own
    return error;
  }
  return Started{pid, std::move(pidfd)};
}

Result<Kernel::Aside> LinuxKernel::run_aside(const std::function<std::string()> &work, int kept) {
  int ends[2] = {-1, -1};
  pid_t pid = -1;
  if (pipe2(ends, O_CLOEXEC) == 0)
    pid = fork();
  if (pid == 0) {
    // Clients must not wait for the disk to see a connection closed.
    if (dup2(ends[1], STDIN_FILENO) < 0 || (kept >= 0 && dup2(kept, 3) < 0) ||
        !close_from(kept >= 0 ? 4 : 3))
      _exit(1);
    const std::string report = work();
    _exit(::write(STDIN_FILENO, report.data(), report.size()) < 0);
  }
  const std::string failure = system_message("fork");
  FileDescriptor reading_end(ends[0]);
  const FileDescriptor writing_end(ends[1]);
  if (pid < 0)
    return Error(ErrorCode::internal, failure);
  fcntl(reading_end.get(), F_SETFL, O_NONBLOCK);
  return Aside{pid, std::move(reading_end)};
}

bool LinuxKernel::send_signal(const FileDescriptor &pidfd, int signal) {
  return syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) == 0;
}

bool LinuxKernel::is_exiting(pid_t pid) {
  constexpr unsigned exiting = 4; // PF_EXITING of the kernel's sched.h
  std::string line, skipped;
  unsigned flags = 0; // of /proc/PID/stat: the seventh behind the name, which may contain anything
  std::getline(std::ifstream("/proc/" + std::to_string(pid) + "/stat"), line);
  std::istringstream fields(line.substr(line.rfind(')') + 1));
  for (int field = 0; field < 6; ++field)
    fields >> skipped;
  fields >> flags;
  return (flags & exiting) != 0;
}

int64_t LinuxKernel::resident_bytes(pid_t pid) {
  int64_t total_pages = 0, resident_pages = 0;
  std::ifstream(fmt::format("/proc/{}/statm", pid)) >> total_pages >> resident_pages;
  return resident_pages * sysconf(_SC_PAGESIZE);
}

// Its clock is exact, and may be read of any process, also where /proc does not show it.
int64_t LinuxKernel::cpu_us(pid_t pid) {
  timespec used{};
  clockid_t clock{};
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) < 0)
    return -1;
  return used.tv_sec * 1'000'000 + used.tv_nsec / 1000;
}

std::optional<Kernel::Ended> LinuxKernel::reap() {
  int status = 0;
  const pid_t pid = waitpid(-1, &status, WNOHANG);
  return pid > 0 ? std::optional(Ended{pid, status}) : std::nullopt;
}

bool LinuxKernel::has_children() {
  return waitid(P_ALL, 0, nullptr, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
}

// From /proc/PID/task/TID/children: one short file, where a look at the parent of every process
// would take a machine with thousands of them too long for the event loop. While a child ends, the
// kernel may leave out others of the list: whoever asks has to ask again. Empty where the kernel
// was built without this file (CONFIG_PROC_CHILDREN).
std::vector<pid_t> LinuxKernel::children() {
  std::vector<pid_t> children;
  std::ifstream file("/proc/thread-self/children");
  for (pid_t pid = 0; file >> pid;)
    children.push_back(pid);
  return children;
}

std::string LinuxKernel::name_of(pid_t pid) {
  std::string name;
  std::getline(std::ifstream(fmt::format("/proc/{}/comm", pid)), name);
  return name;
}

FileDescriptor LinuxKernel::open_pidfd(pid_t child) {
  return FileDescriptor(static_cast<int>(syscall(SYS_pidfd_open, child, 0)));
}

// Older kernels tell it in /proc alone, which takes a tenth of a fork's time. There a pidfd names its
// process by a number that may be another one's already, so it is asked again afterwards.
pid_t LinuxKernel::parent_of(const FileDescriptor &pidfd, pid_t pid) {
  PidfdInfo info;
  if (ioctl(pidfd.get(), pidfd_get_info, &info) == 0)
    return static_cast<pid_t>(info.pid) == pid ? static_cast<pid_t>(info.ppid) : -1;
  const std::string descriptor = fmt::format("/proc/self/fdinfo/{}", pidfd.get());
  const pid_t named = number_in(descriptor, "Pid:", not_there);
  if (named == pid_of_ended)
    return 0;
  if (named != pid)
    return -1;
  const pid_t parent = number_in(fmt::format("/proc/{}/status", pid), "PPid:", not_there);
  return number_in(descriptor, "Pid:", not_there) == pid_of_ended ? 0 : parent;
}

void LinuxKernel::sleep_us(int64_t time_us) { usleep(static_cast<useconds_t>(time_us)); }

} // namespace lethe
