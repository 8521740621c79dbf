// SPDX-License-Identifier: Apache-2.0
// The real lethed in a folder of its own.
#include "tests/harness/daemon.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <set>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

namespace lethe::test {
namespace fs = std::filesystem;
namespace {

// A bound datagram socket for sd_notify's messages.
FileDescriptor listen_for_readiness(const std::string &path) {
  FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  fs::remove(path);
  expect(::bind(socket.get(), reinterpret_cast<sockaddr *>(&address), sizeof address) == 0,
         "bind " + path);
  return socket;
}

bool says_ready(int socket) {
  char bytes[4096];
  const ssize_t received = ::recv(socket, bytes, sizeof bytes, 0);
  const std::string message =
      "\n" + std::string(bytes, static_cast<size_t>(std::max<ssize_t>(received, 0)));
  return message.find("\nREADY=1") != std::string::npos;
}

} // namespace

Command daemon_command(const ScratchFolder &folder, const DaemonOptions &options) {
  const fs::path shared_cache = build_folder() / "tests" / "cache";
  Command command{
      {options.program_folder.empty() ? program("lethed") : options.program_folder + "/lethed",
       "--socket", folder.path() / "lethe.sock", "--state-dir",
       options.state_folder.empty() ? (folder.path() / "state").string() : options.state_folder,
       "--cache-dir", options.cache_folder.empty() ? shared_cache.string() : options.cache_folder},
      options.environment,
      {},
      options.before_exec};
  fs::create_directories(shared_cache);
  fs::create_directories(folder.path() / "tmp");
  command.environment.push_back("TMPDIR=" + (folder.path() / "tmp").string());
  // Few workers unless the test is about them: tests run side by side.
  std::vector<std::string> settings = options.settings;
  if (std::none_of(settings.begin(), settings.end(), [](const std::string &setting) {
        return setting.starts_with("pool.default.workers=");
      }))
    settings.insert(settings.begin(), "pool.default.workers=2");
  // For a run of the tests as a whole; theirs come later, and hold.
  if (const char *of_all = std::getenv("LETHE_TEST_SETTING"))
    settings.insert(settings.begin(), of_all);
  for (const std::string &setting : settings)
    command.words.insert(command.words.end(), {"--set", setting});
  command.words.insert(command.words.end(), options.arguments.begin(), options.arguments.end());
  return command;
}

Daemon::Daemon(DaemonOptions options)
    : options_(std::move(options)), exceptions_at_start_(std::uncaught_exceptions()) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1); // what a daemon leaves behind becomes ours, and is seen
  start();
}

Daemon::~Daemon() noexcept(false) {
  if (std::uncaught_exceptions() != exceptions_at_start_) {
    const int status = process_ ? process_->wait(milliseconds(0)) : 0;
    std::fprintf(stderr, "the daemon %s; its log:\n%s\n",
                 status < 0 ? "still runs" : ("ended with " + std::to_string(status)).c_str(),
                 log().c_str());
  } else if (process_) {
    stop();
  }
}

void Daemon::start() {
  Command command = daemon_command(folder_, options_);
  const FileDescriptor readiness = listen_for_readiness(folder_.path() / "notify");
  command.environment.push_back("NOTIFY_SOCKET=" + (folder_.path() / "notify").string());
  const FileDescriptor log(
      ::open((folder_.path() / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  process_.emplace(command, log.get(), log.get());
  do {
    if (wait_readable({readiness.get(), process_->pidfd()}) != 0)
      fail("the daemon does not start; its log:\n" + this->log());
  } while (!says_ready(readiness.get()));
}

std::string Daemon::log() const { return read_file(folder_.path() / "log"); }

bool Daemon::logs(const std::string &text, milliseconds limit) const {
  return becomes_true([&] { return log().find(text) != std::string::npos; }, limit);
}

void Daemon::stop() {
  process_->signal(SIGTERM);
  const int status = process_->wait();
  process_.reset();
  expect(status == 0,
         "lethed ended with status " + std::to_string(status) + "; its log:\n" + log());
  expect_nothing_left();
}

void Daemon::kill() {
  process_->signal(SIGKILL);
  process_->wait();
  process_.reset();
  // Its children end by themselves when they find their master gone.
  expect(becomes_true([] {
           pid_t ended;
           while ((ended = ::waitpid(-1, nullptr, WNOHANG)) > 0) {
           }
           return ended < 0 && errno == ECHILD;
         }),
         "processes outlive their master");
}

void Daemon::expect_nothing_left() const {
  // Other children of ours (another lethed, a server to compare with) are no business of this one.
  for (const ProcessState &state : descendants_of(::getpid()))
    expect(state.parent != ::getpid() || !state.name.starts_with("lethe-"),
           "lethed left a process behind: " + state.name + " " + std::to_string(state.pid) +
               "; its log:\n" + log());
  expect(!fs::exists(socket_path()), "lethed left its socket file behind");
  expect(fs::is_empty(folder_.path() / "tmp"), "lethed left temporary files behind");
  if (fs::exists(state_folder()))
    for (const auto &entry : fs::recursive_directory_iterator(state_folder()))
      expect(entry.path().filename().string().find("tmp") == std::string::npos,
             "lethed left " + entry.path().string() + " behind");
}

pid_t Daemon::zygote() const {
  pid_t found = 0;
  const auto is_there = [&] {
    for (const ProcessState &state : descendants())
      if (state.parent == pid() && state.state != 'Z' && state.name == "lethe-zygote")
        found = state.pid;
    return found != 0;
  };
  expect(becomes_true(is_there), "there is no zygote");
  return found;
}

std::vector<pid_t> Daemon::idle_workers(size_t running) const {
  Client admin = connect();
  std::vector<pid_t> idle;
  std::set<pid_t> known;
  json pools;
  const auto are_idle = [&](const json &pool) {
    const bool rewinds = pool["isolation_in_force"] == "rewind";
    for (const json &worker : pool["processes"]) {
      known.insert(worker["pid"].get<pid_t>());
      if (worker["state"] == "idle" && worker["ready"] == true &&
          (!rewinds || worker["rewinds"] == worker["served"]))
        idle.push_back(worker["pid"]);
    }
    known.insert(pool["zygote"].get<pid_t>());
    return pool["processes"].size() == pool["workers_wanted"];
  };
  const auto is_at_rest = [&] {
    idle.clear();
    known.clear();
    pools = admin.result("stats", json::array())["pools"];
    size_t workers = 0;
    for (const json &pool : pools) {
      if (!are_idle(pool))
        return false;
      workers += pool["processes"].size();
    }
    std::set<pid_t> live;
    for (const ProcessState &state : descendants())
      if (state.name.starts_with("lethe-") && state.state != 'Z')
        live.insert(state.pid);
    return workers == idle.size() + running && live == known;
  };
  if (!becomes_true(is_at_rest))
    fail("there are other processes than the pools' zygotes and idle workers: " + shown(pools));
  return idle;
}

void Daemon::replace_idle_workers() const {
  const std::vector<pid_t> used = idle_workers();
  for (const pid_t worker : used)
    ::kill(worker, SIGKILL);
  expect(
      becomes_true([&] { return std::ranges::find_first_of(used, idle_workers()) == used.end(); }),
      "killed workers live on");
}

std::vector<pid_t> Daemon::workers() const {
  const auto all = descendants();
  std::vector<pid_t> found;
  for (const ProcessState &state : all)
    if (state.name == "lethe-worker" && state.state != 'Z')
      found.push_back(state.pid);
  return found;
}

} // namespace lethe::test
