// SPDX-License-Identifier: Apache-2.0
// Starting and stopping a lethed of one's own.
#include "client/command/private_daemon.h"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

namespace lethe::command {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds start_limit{60}; // the first start builds the startup snapshot
constexpr int stop_limit_ms = 5000;
constexpr size_t longest_folder = 80; // a socket's path has at most 107 bytes

sigset_t ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT})
    sigaddset(&set, signal);
  return set;
}

std::string environment(const char *name) {
  const char *value = std::getenv(name);
  return value ? value : "";
}

// Beside this program, as in a build folder; as installed; else searched in PATH.
std::string find_lethed() {
  std::error_code ignored;
  const fs::path here = fs::read_symlink("/proc/self/exe", ignored).parent_path();
  for (const fs::path &candidate : {here / "lethed", here.parent_path() / "sbin" / "lethed"})
    if (::access(candidate.c_str(), X_OK) == 0)
      return candidate;
  return "lethed";
}

// The user's own: so that only the very first run has to build the startup snapshot.
fs::path cache_folder(const fs::path &otherwise) {
  fs::path base = environment("XDG_CACHE_HOME");
  if (base.empty() && !environment("HOME").empty())
    base = fs::path(environment("HOME")) / ".cache";
  std::error_code error;
  if (!base.empty())
    fs::create_directories(base / "lethe", error);
  return base.empty() || error || ::access((base / "lethe").c_str(), W_OK) != 0 ? otherwise
                                                                                : base / "lethe";
}

} // namespace

Interruptions::Interruptions() {
  const sigset_t signals = ending_signals();
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  descriptor_.reset(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
}

Interruptions::~Interruptions() {
  const sigset_t signals = ending_signals();
  ::sigprocmask(SIG_UNBLOCK, &signals, nullptr);
}

int Interruptions::take() {
  signalfd_siginfo info{};
  return ::read(descriptor_.get(), &info, sizeof info) == sizeof info
             ? static_cast<int>(info.ssi_signo)
             : 0;
}

PrivateDaemon::~PrivateDaemon() {
  stop();
  std::error_code ignored;
  if (!folder_.empty())
    fs::remove_all(folder_, ignored);
}

std::string PrivateDaemon::start(const Interruptions &interruptions) {
  std::string error = make_folder();
  if (error.empty())
    error = spawn();
  if (error.empty())
    error = wait_until_ready(interruptions);
  return error;
}

std::string PrivateDaemon::make_folder() {
  std::string path = environment("TMPDIR");
  if (path.empty() || path.size() > longest_folder)
    path = "/tmp";
  path += "/lethe-run-XXXXXX";
  if (!::mkdtemp(path.data()))
    return "can't make a temporary folder " + path + ": " + std::strerror(errno);
  folder_ = path;
  const std::ofstream empty(folder_ / "lethe.toml"); // the system's configuration is not ours
  notifications_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string notify_path = folder_ / "notify";
  std::memcpy(address.sun_path, notify_path.c_str(), notify_path.size());
  if (::bind(notifications_.get(), reinterpret_cast<sockaddr *>(&address), sizeof address) < 0)
    return "can't make the socket " + notify_path + ": " + std::strerror(errno);
  return {};
}

std::string PrivateDaemon::spawn() {
  const std::string program = find_lethed(), socket = socket_path(),
                    config = folder_ / "lethe.toml", state = folder_ / "state",
                    cache = cache_folder(folder_ / "cache"), log = folder_ / "log",
                    notify = "NOTIFY_SOCKET=" + (folder_ / "notify").string();
  const char *const words[] = {program.c_str(),
                               "--config",
                               config.c_str(),
                               "--socket",
                               socket.c_str(),
                               "--state-dir",
                               state.c_str(),
                               "--cache-dir",
                               cache.c_str(),
                               "--set",
                               "pool.default.workers=1",
                               "--set", // nobody else waits for its worker
                               "pool.default.max_deadline_ms=0",
                               nullptr};
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0)
    return std::string("can't fork: ") + std::strerror(errno);
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM); // should this command be killed
    if (::getppid() != parent)
      ::_exit(127);
    const sigset_t signals = ending_signals();
    ::sigprocmask(SIG_UNBLOCK, &signals, nullptr);
    ::setpgid(0, 0); // Ctrl-C is for this command, which then stops the daemon
    const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
    ::putenv(const_cast<char *>(notify.c_str()));
    ::execvp(words[0], const_cast<char *const *>(words));
    const std::string message = "can't execute " + program + ": " + std::strerror(errno) + "\n";
    ::_exit(::write(STDERR_FILENO, message.data(), message.size()) > 0 ? 127 : 126);
  }
  process_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  return {};
}

std::string PrivateDaemon::wait_until_ready(const Interruptions &interruptions) {
  const auto until = std::chrono::steady_clock::now() + start_limit;
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
    if (left.count() <= 0)
      return "the private daemon was not ready within a minute\n" + log();
    pollfd descriptors[] = {{notifications_.get(), POLLIN, 0},
                            {process_.get(), POLLIN, 0},
                            {interruptions.descriptor(), POLLIN, 0}};
    ::poll(descriptors, 3, static_cast<int>(left.count()));
    if (descriptors[2].revents != 0)
      return "interrupted";
    if (descriptors[0].revents != 0) {
      char text[4096];
      const ssize_t size = ::recv(notifications_.get(), text, sizeof text, MSG_DONTWAIT);
      const std::string_view said(text, size > 0 ? static_cast<size_t>(size) : 0);
      if (said.find("READY=1") != std::string_view::npos)
        return {};
    } else if (descriptors[1].revents != 0) {
      return "the private daemon did not start\n" + log();
    }
  }
}

std::string PrivateDaemon::log() const {
  std::ifstream file(folder_ / "log");
  return {std::istreambuf_iterator<char>(file), {}};
}

void PrivateDaemon::stop() {
  if (pid_ <= 0)
    return;
  ::kill(pid_, SIGTERM); // our child, not yet reaped: the pid is its own
  pollfd ended{process_.get(), POLLIN, 0};
  if (::poll(&ended, 1, stop_limit_ms) == 0)
    ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

} // namespace lethe::command
