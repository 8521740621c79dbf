// SPDX-License-Identifier: Apache-2.0
// Workers and zygotes that leave without ending, or lie: each is killed, and nothing outlives what
// the daemon knows of it (invariant 6). What native code in them would do is done to them from
// outside: by their own sockets, their memory, and a zygote program of the test's.
#include "tests/harness/daemon.h"

#include <algorithm>
#include <criterion/criterion.h>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <fcntl.h>
#include <fstream>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace lethe::test;
namespace fs = std::filesystem;

TestSuite(hang_ups, .timeout = 120);

namespace {

using lethe::FileDescriptor;

bool is_gone(pid_t pid) {
  std::ifstream stream("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  return !std::getline(stream, line) || line[line.rfind(')') + 2] == 'Z';
}

void expect_gone(pid_t pid, Where where = Where::here()) {
  expect(becomes_true([pid] { return is_gone(pid); }, milliseconds(10'000)), "it lives on", where);
}

// The process's own end of its only connected socket.
FileDescriptor socket_of(pid_t pid) {
  const FileDescriptor process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  for (const auto &entry : fs::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
    const int number = std::stoi(entry.path().filename());
    std::error_code ignored;
    if (number > 2 && fs::read_symlink(entry.path(), ignored).string().starts_with("socket:"))
      return FileDescriptor(static_cast<int>(::syscall(SYS_pidfd_getfd, process.get(), number, 0)));
  }
  return {};
}

void shut_down(pid_t pid, int how) {
  const FileDescriptor socket = socket_of(pid);
  expect(static_cast<bool>(socket), "it has no socket");
  ::shutdown(socket.get(), how);
}

void needs_root() {
  if (::getuid() != 0)
    cr_skip_test("needs root to reach into other processes");
}

// Writes the claimed number of the lease word, which is the first in the worker's page.
void claim(pid_t worker, uint32_t number) {
  std::ifstream maps("/proc/" + std::to_string(worker) + "/maps");
  uint64_t address = 0;
  for (std::string line; address == 0 && std::getline(maps, line);)
    if (line.find("lethe-worker") != line.npos)
      address = std::stoull(line, nullptr, 16);
  const FileDescriptor memory(
      ::open(("/proc/" + std::to_string(worker) + "/mem").c_str(), O_WRONLY | O_CLOEXEC));
  expect(address != 0 && ::pwrite(memory.get(), &number, sizeof number,
                                  static_cast<off_t>(address + sizeof number)) == sizeof number,
         "the page can't be written");
}

// Begins a loop without end, which says that it has begun; its deadline is far away.
uint32_t start_loop(Client &client) {
  bool begun = false;
  client.on_host_call = [&](uint32_t, const std::string &, const json &) {
    begun = true;
    return nullptr;
  };
  const uint32_t msgid = client.start(
      "eval", {"host.call('begun').then(() => { while (1); })", {{"deadline_ms", 60'000}}});
  while (!begun)
    client.request("ping", json::array());
  client.request("ping", json::array()); // the answer to the call is on its way
  return msgid;
}

// The one that is in that loop.
pid_t running_worker(const Daemon &daemon) {
  const json stats = daemon.connect().result("stats", json::array());
  pid_t worker = 0;
  for (const json &one : stats["pools"]["default"]["processes"])
    if (one["state"] == "running")
      worker = one["pid"];
  const auto is_in_loop = [&] {
    return std::ranges::any_of(daemon.descendants(), [&](const ProcessState &state) {
      return state.pid == worker && state.state == 'R';
    });
  };
  expect(becomes_true(is_in_loop), "no worker runs");
  return worker;
}

// lethed beside a program that becomes its zygote and has done something before.
class DaemonWithZygote {
public:
  explicit DaemonWithZygote(const std::string &before) {
    const fs::path bin = folder_.path() / "bin";
    fs::create_directories(bin);
    fs::copy(program("lethed"), bin / "lethed");
    fs::create_symlink(program("lethe-snapshot"), bin / "lethe-snapshot");
    std::ofstream(bin / "lethe-zygote")
        << "#!/bin/sh\n"
        << before << "\nexec " << program("lethe-zygote") << " \"$@\"\n";
    fs::permissions(bin / "lethe-zygote", fs::perms(0755));
    Command command = daemon_command(folder_);
    command.words[0] = bin / "lethed";
    process_.emplace(command, -1, -1);
    expect(becomes_true([&] { return fs::exists(socket_path()); }), "it does not start");
    Client(socket_path()).eval("1");
  }
  std::string socket_path() const { return folder_.path() / "lethe.sock"; }
  Process &process() { return *process_; }
  pid_t child(const std::string &name) const {
    for (const ProcessState &state : descendants_of(process_->pid()))
      if (state.name == name && state.state != 'Z')
        return state.pid;
    return 0;
  }

private:
  ScratchFolder folder_;
  std::optional<Process> process_;
};

} // namespace

Test(hang_ups, a_worker_that_hangs_up_and_lives_on_is_killed) {
  needs_root();
  for (const char *isolation : {"rewind", "process", "reuse"})
    for (const int how : {SHUT_RDWR, SHUT_WR}) {
      Daemon daemon({"pool.default.workers=1", "pool.default.isolation=" + std::string(isolation)});
      Client client = daemon.connect();
      const uint32_t running = start_loop(client);
      const pid_t worker = running_worker(daemon);
      shut_down(worker, how);
      expect_gone(worker);
      expect_members(client.wait(running).error(), {{"code", "internal"}});
      expect_equal(client.eval("1"), 1);
      expect_equal(client.result("stats", json::array())["protocol_breaks"], 1);
    }
}

Test(hang_ups, an_idle_worker_that_hangs_up_and_lives_on_is_killed) {
  needs_root();
  Daemon daemon({"pool.default.workers=1"});
  Client client = daemon.connect();
  client.eval("1");
  const pid_t worker = daemon.idle_workers().at(0);
  ::kill(worker, SIGSTOP); // it does not see that its socket is shut
  shut_down(worker, SHUT_RDWR);
  expect_gone(worker);
  expect_equal(client.eval("1"), 1);
}

Test(hang_ups, a_worker_that_lies_about_its_lease_is_killed) {
  needs_root();
  for (const bool disconnects : {false, true}) {
    Daemon daemon({"pool.default.workers=1"});
    Client client = daemon.connect(), admin = daemon.connect();
    const uint32_t running = start_loop(client);
    const pid_t worker = running_worker(daemon);
    claim(worker, UINT32_MAX);
    if (disconnects)
      client.close();
    else
      client.notify("cancel", {running});
    expect_gone(worker);
    admin.result("drain", {"default"}); // nothing counts as running for ever
    admin.result("resume", {"default"});
    expect_equal(admin.eval("1"), 1);
  }
}

// SIGSTOP: it does not see that its socket is shut.
Test(hang_ups, a_zygote_that_hangs_up_and_lives_on_is_killed) {
  needs_root();
  Daemon daemon({"pool.default.workers=1"});
  Client client = daemon.connect();
  client.put("s", "function f() { return 1; }");
  for (int round = 0; round < 2; ++round) { // a grown one, then the one that takes its place
    pid_t zygote = 0;
    const auto is_alone = [&] { // those that it descends from have ended, and it has a worker
      std::vector<pid_t> zygotes, parents;
      for (const ProcessState &state : daemon.descendants())
        if (state.state != 'Z')
          (state.name == "lethe-worker" ? parents : zygotes)
              .push_back(state.name == "lethe-worker" ? state.parent : state.pid);
      zygote = zygotes.size() == 1 ? zygotes[0] : 0;
      return zygote != 0 && std::count(parents.begin(), parents.end(), zygote) == 1;
    };
    expect(becomes_true(is_alone), "the pool does not come to rest");
    ::kill(zygote, SIGSTOP);
    shut_down(zygote, SHUT_RDWR);
    expect_gone(zygote);
    expect_equal(client.call("s", "f"), 1);
  }
}

Test(hang_ups, a_dying_worker_is_reported_as_it_died_under_process) {
  Daemon daemon({"pool.default.workers=1", "pool.default.isolation=process"});
  Client client = daemon.connect();
  for (const int signal : {SIGSEGV, SIGABRT, SIGKILL}) {
    const uint32_t running = start_loop(client);
    ::kill(running_worker(daemon), signal);
    expect_members(client.wait(running).error(), {{"code", "worker_crashed"}, {"signal", signal}});
  }
  expect_equal(client.eval_error("const all = []; while (1) all.push(new Array(1000).fill(0.5));",
                                 {{"deadline_ms", 60'000}})["code"],
               "memory_limit");
  expect_equal(client.result("stats", json::array())["protocol_breaks"], 0);
}

Test(hang_ups, a_child_that_a_zygote_leaves_behind_is_killed) {
  DaemonWithZygote daemon("sleep 100 >/dev/null 2>&1 3>&- &");
  const pid_t left = daemon.child("sleep");
  expect(left != 0, "there is no child");
  ::kill(daemon.child("lethe-zygote"), SIGKILL);
  expect_gone(left);
  daemon.process().signal(SIGTERM);
  expect_equal(daemon.process().wait(), 0);
}

Test(hang_ups, no_child_of_a_zygote_outlives_the_daemon) {
  DaemonWithZygote daemon("sleep 100 >/dev/null 2>&1 3>&- &");
  const pid_t left = daemon.child("sleep");
  expect(left != 0, "there is no child");
  daemon.process().signal(SIGTERM);
  expect_equal(daemon.process().wait(), 0);
  expect(is_gone(left), "it lives on");
}

Test(hang_ups, a_dead_zygote_is_replaced_even_if_its_channel_stays_open) {
  DaemonWithZygote daemon("sleep 100 >/dev/null 2>&1 &");
  Client client(daemon.socket_path());
  const pid_t zygote = daemon.child("lethe-zygote");
  ::kill(zygote, SIGKILL);
  const auto is_replaced = [&] {
    const pid_t next = daemon.child("lethe-zygote");
    return next != 0 && next != zygote;
  };
  expect(becomes_true(is_replaced, milliseconds(5000)), "nobody replaces the zygote");
  expect_equal(client.eval("1"), 1);
  daemon.process().signal(SIGTERM);
  expect_equal(daemon.process().wait(), 0);
}

// A zygote that was broken into calls the master itself its worker, which would be killed one day.
Test(hang_ups, a_zygote_that_names_another_process_its_child_is_killed) {
  for (const char *fault : {"zygote.foreign_pidfd", "zygote.foreign_pid"}) {
    ScratchFolder folder;
    const std::string log = folder.path() / "log";
    const FileDescriptor errors(::open(log.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    Process daemon(daemon_command(folder, {.environment = {std::string("LETHE_FAULT=") + fault}}),
                   -1, errors.get());
    expect(
        becomes_true([&] { return read_file(log).find("is no child of it") != std::string::npos; }),
        "nobody looks at what a zygote says");
    daemon.signal(SIGTERM);
    expect_equal(daemon.wait(), 0);
  }
}
