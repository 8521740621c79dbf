// SPDX-License-Identifier: Apache-2.0
// A service with a control group of its own: who is where, and that nobody is left in it. Skipped
// where there is no cgroup2 mount that the tests may write to.
#include "tests/harness/daemon.h"

#include <algorithm>
#include <criterion/criterion.h>
#include <csignal>
#include <fstream>
#include <sys/wait.h>
#include <unistd.h>

using namespace lethe::test;
namespace fs = std::filesystem;

TestSuite(control_groups, .timeout = 60);

namespace {

std::string mount_of_groups() {
  std::ifstream mounts("/proc/self/mounts");
  for (std::string source, place, type, rest; mounts >> source >> place >> type;) {
    std::getline(mounts, rest);
    if (type == "cgroup2" && ::access((place + "/cgroup.procs").c_str(), W_OK) == 0)
      return place;
  }
  return "";
}

// A group as a service manager makes it for a service.
class ServiceGroup {
public:
  ServiceGroup() {
    const std::string mount = mount_of_groups();
    if (mount.empty())
      cr_skip_test("there is no cgroup2 mount that may be written to");
    folder_ = fs::path(mount) / ("lethe-test-" + std::to_string(::getpid()));
    std::error_code error;
    if (!fs::create_directory(folder_, error))
      cr_skip_test("no group can be made in %s", mount.c_str());
  }
  ~ServiceGroup() {
    std::ofstream(folder_ / "cgroup.kill") << 1;
    (void)becomes_true([&] { return remove(); }, milliseconds(2000));
  }
  ServiceGroup(const ServiceGroup &) = delete;

  fs::path folder() const { return folder_; }
  // Of a daemon that is started there, as the only one.
  DaemonOptions options(std::vector<std::string> settings = {}) const {
    DaemonOptions result{.settings = std::move(settings)};
    result.before_exec = [file = folder_ / "cgroup.procs"] { std::ofstream(file) << ::getpid(); };
    return result;
  }
  std::vector<std::string> groups() const {
    std::vector<std::string> found;
    for (const auto &entry : fs::directory_iterator(folder_))
      if (entry.is_directory())
        found.push_back(entry.path().filename().string());
    std::ranges::sort(found);
    return found;
  }
  std::vector<pid_t> processes(const std::string &group) const {
    std::ifstream file(folder_ / group / "cgroup.procs");
    std::vector<pid_t> found;
    for (pid_t pid = 0; file >> pid;)
      found.push_back(pid);
    std::ranges::sort(found);
    return found;
  }

private:
  bool remove() const {
    for (const std::string &group : groups())
      ::rmdir((folder_ / group).c_str());
    return ::rmdir(folder_.c_str()) == 0;
  }
  fs::path folder_;
};

using Names = std::vector<std::string>;

json cgroup_of(const Daemon &daemon, const std::string &pool = "default") {
  return daemon.connect().result("stats", json::array())["pools"][pool]["cgroup"];
}

// The zygotes and workers of a daemon that was killed come to us.
bool only_child_is(pid_t pid) {
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
  return std::ranges::all_of(descendants_of(::getpid()), [pid](const ProcessState &state) {
    return state.parent != ::getpid() || state.pid == pid;
  });
}

std::vector<pid_t> zygotes_and_workers(const Daemon &daemon) {
  std::vector<pid_t> found;
  for (const ProcessState &state : daemon.descendants())
    if (state.state != 'Z')
      found.push_back(state.pid);
  std::ranges::sort(found);
  return found;
}

} // namespace

Test(control_groups, each_pool_has_one_and_the_master_is_beside_them) {
  const ServiceGroup service;
  Daemon daemon(service.options({"pool.default.workers=2", "pool.other.workers=1"}));
  expect(service.groups() == Names{"lethed", "pool-default", "pool-other"}, "other groups");
  expect(service.processes("lethed") == std::vector<pid_t>{daemon.pid()}, "master is not alone");
  expect(becomes_true([&] {
           auto all = service.processes("pool-default");
           const auto others = service.processes("pool-other");
           const bool is_right = all.size() == 3 && others.size() == 2;
           all.insert(all.end(), others.begin(), others.end());
           std::ranges::sort(all);
           return is_right && all == zygotes_and_workers(daemon);
         }),
         "zygotes and workers are not in their pools' groups");
  expect_equal(cgroup_of(daemon), (service.folder() / "pool-default").string());
  expect_equal(cgroup_of(daemon, "other"), (service.folder() / "pool-other").string());
}

Test(control_groups, later_generations_are_born_in_it) {
  const ServiceGroup service;
  Daemon daemon(service.options());
  Client client = daemon.connect();
  client.result("script.put", {"s", "function f() { return 1; }", json::object()}); // grown
  client.result("reload", json::array());                                           // executed
  expect_equal(client.result("call", {"s", "f", json::array(), json::object()}), 1);
  expect(becomes_true([&] {
           return service.processes("pool-default") == zygotes_and_workers(daemon) &&
                  service.processes("lethed").size() == 1;
         }),
         "not all of the pool is in its group");
}

Test(control_groups, at_the_stop_whatever_nobody_knows_is_ended_and_the_groups_go) {
  const ServiceGroup service;
  Process stranger(Command{{"/bin/sleep", "1000"}, {}}, -1, -1);
  Daemon daemon(service.options());
  std::ofstream(service.folder() / "pool-default" / "cgroup.procs") << stranger.pid();
  expect(std::ranges::count(service.processes("pool-default"), stranger.pid()) == 1, "not moved");
  daemon.stop();
  expect_equal(stranger.wait(milliseconds(5000)), 128 + SIGKILL);
  expect(service.groups().empty(), "groups are left");
}

Test(control_groups, a_daemon_starts_where_another_was_killed) {
  const ServiceGroup service;
  Process stranger(Command{{"/bin/sleep", "1000"}, {}}, -1, -1);
  Daemon daemon(service.options());
  std::ofstream(service.folder() / "pool-default" / "cgroup.procs") << stranger.pid();
  fs::create_directory(service.folder() / "pool-gone"); // not configured any more
  ::kill(daemon.pid(), SIGKILL);
  daemon.process().wait();
  expect(service.groups() == Names{"lethed", "pool-default", "pool-gone"}, "nothing is left");
  daemon.start();
  expect_equal(stranger.wait(milliseconds(5000)), 128 + SIGKILL);
  expect(becomes_true([&] { return only_child_is(daemon.pid()); }), "old processes are left");
  expect(service.groups() == Names{"lethed", "pool-default"}, "other groups");
  expect_equal(daemon.connect().eval("6 * 7"), 42);
  expect(becomes_true(
             [&] { return service.processes("pool-default") == zygotes_and_workers(daemon); }),
         "not all of the pool is in its group");
  daemon.stop();
  expect(service.groups().empty(), "groups are left");
}

Test(control_groups, a_group_in_which_others_are_is_left_alone) {
  const ServiceGroup service;
  Process stranger(Command{{"/bin/sleep", "1000"}, {}}, -1, -1);
  std::ofstream(service.folder() / "cgroup.procs") << stranger.pid();
  Daemon daemon(service.options());
  expect(service.groups().empty(), "there are groups");
  expect_equal(cgroup_of(daemon), nullptr);
  daemon.stop();
  expect_equal(stranger.wait(milliseconds(0)), -1);
}

Test(control_groups, none_is_made_if_the_setting_says_so) {
  const ServiceGroup service;
  Daemon daemon(service.options({"cgroups=off"}));
  expect(service.groups().empty(), "there are groups");
  expect_equal(cgroup_of(daemon), nullptr);
}
