// SPDX-License-Identifier: Apache-2.0
// What closes zygotes and workers, as the kernel tells it and as `stats` and the log do.
#include "tests/harness/daemon.h"

#include <algorithm>
#include <criterion/criterion.h>
#include <sys/stat.h>

using namespace lethe::test;

TestSuite(sandbox, .timeout = 60);

namespace {

// A line of /proc/PID/status, without its name.
std::string status_of(pid_t pid, const std::string &name) {
  const std::string status = "\n" + read_file("/proc/" + std::to_string(pid) + "/status");
  const size_t line = status.find("\n" + name + ":\t");
  if (line == status.npos)
    return "none";
  const size_t begin = line + name.size() + 3;
  return status.substr(begin, status.find('\n', begin) - begin);
}

std::vector<std::string> layers_of(Daemon &daemon) {
  return daemon.connect().result("stats", json::array())["pools"]["default"]["sandbox"];
}

bool claims(const std::vector<std::string> &layers, const std::string &name) {
  return std::ranges::any_of(layers, [&](const auto &one) { return one.starts_with(name); });
}

} // namespace

namespace {

// Empty, or what the kernel says otherwise than `layers` of a zygote or worker.
std::string wrong_layer_of(const ProcessState &state, const std::vector<std::string> &layers) {
  const std::string none = "0000000000000000";
  for (const char *set : {"CapEff", "CapPrm", "CapInh", "CapAmb"})
    if (status_of(state.pid, set) != none)
      return set;
  if (claims(layers, "user_namespace") && status_of(state.pid, "CapBnd") != none)
    return "CapBnd";
  const std::string filters = state.name == "lethe-worker" ? "2" : "1";
  for (const auto &[name, wanted] :
       {std::pair{"NoNewPrivs", std::string("1")}, std::pair{"Seccomp", std::string("2")},
        std::pair{"Seccomp_filters", filters}})
    if (status_of(state.pid, name) != wanted)
      return name;
  for (const auto &[layer, file] :
       {std::pair{"network_namespace", "net"}, std::pair{"ipc_namespace", "ipc"},
        std::pair{"uts_namespace", "uts"}, std::pair{"user_namespace", "user"},
        std::pair{"mount_namespace", "mnt"}}) {
    const auto of = [](const std::string &process, const std::string &name) {
      return std::filesystem::read_symlink("/proc/" + process + "/ns/" + name).string();
    };
    if ((of(std::to_string(state.pid), file) != of("self", file)) != claims(layers, layer))
      return layer;
  }
  std::string root;
  for (const auto &entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(state.pid) + "/root/"))
    root += entry.path().filename().string() + " ";
  if ((root == "proc ") != claims(layers, "empty_root"))
    return "its root has " + root;
  return "";
}

// The same of all of them.
std::string wrong_layer(const Daemon &daemon, const std::vector<std::string> &layers) {
  daemon.idle_workers();
  for (const ProcessState &state : daemon.descendants()) {
    if (state.state == 'Z' || !state.name.starts_with("lethe-"))
      continue;
    const std::string wrong = wrong_layer_of(state, layers);
    if (!wrong.empty())
      return state.name + ": " + wrong;
  }
  return "";
}

} // namespace

// What `stats` claims is what the kernel says of each zygote and worker, also of root's.
Test(sandbox, zygotes_and_workers_have_no_privilege_and_the_system_calls_of_their_filters) {
  for (const char *isolation : {"rewind", "process", "reuse"}) {
    Daemon daemon({"pool.default.isolation=" + std::string(isolation), "sandbox=required"});
    Client client = daemon.connect();
    client.put("s", "function f() { return 1; }"); // a zygote that has run it
    expect_equal(client.call("s", "f"), 1);
    const auto layers = layers_of(daemon);
    for (const char *layer : {"no_new_privileges", "no_capabilities", "zygote_seccomp", "seccomp"})
      expect(claims(layers, layer), layer);
    expect_equal(wrong_layer(daemon, layers), "");
  }
}

// By default where scripts are hostile, and elsewhere if it is asked for.
Test(sandbox, the_processor_runs_ahead_only_where_that_is_allowed_or_can_not_be_forbidden) {
  for (const auto &[isolation, choice, is_limited] : {std::tuple{"process", "auto", true},
                                                      {"rewind", "on", true},
                                                      {"rewind", "auto", false},
                                                      {"process", "off", false}}) {
    Daemon daemon({"pool.default.isolation=" + std::string(isolation),
                   "pool.default.speculation_control=" + std::string(choice)});
    const auto layers = layers_of(daemon);
    for (const auto &[layer, line] :
         {std::pair{"no_store_bypass", "Speculation_Store_Bypass"},
          std::pair{"no_indirect_branch_speculation", "SpeculationIndirectBranch"}}) {
      const std::string usual = status_of(::getpid(), line);
      const std::string zygotes = status_of(daemon.zygote(), line);
      // What the kernel says without being asked, where it has a choice.
      const bool can_be_chosen = usual.starts_with("thread ") || usual == "conditional enabled";
      if (!is_limited) {
        expect(!claims(layers, layer), layer);
        expect_equal(zygotes, usual);
      } else if (can_be_chosen) {
        expect(claims(layers, layer), layer);
        expect(zygotes == "thread force mitigated" || zygotes == "conditional force disabled",
               zygotes);
      } else if (usual == "vulnerable" || usual == "always enabled") {
        expect(!claims(layers, layer), layer);
        expect(daemon.logs(layer), "the log does not say that it is missing");
      }
    }
  }
}

namespace {

// The soft limit in a line of /proc/PID/limits.
std::string limit_of(pid_t pid, const std::string &name) {
  const std::string limits = read_file("/proc/" + std::to_string(pid) + "/limits");
  const size_t line = limits.find(name);
  if (line == limits.npos)
    return "none";
  const size_t begin = limits.find_first_not_of(' ', line + name.size());
  return limits.substr(begin, limits.find(' ', begin) - begin);
}

} // namespace

// Nor, in a zygote, what is loaded.
Test(sandbox, limits_of_the_kernel_hold_where_a_filter_would_not) {
  for (const char *isolation : {"rewind", "process", "reuse"}) {
    Daemon daemon(
        {"pool.default.isolation=" + std::string(isolation), "pool.default.memory_mb=64"});
    Client client = daemon.connect();
    client.put("s", "function f() { for (;;); }");
    expect_members(client.error("call", {"s", "f", json::array(), {{"deadline_ms", 200}}}),
                   {{"code", "deadline_exceeded"}});
    expect_members(client.error("call", {"s", "f", json::array(), {{"cpu_ms", 100}}}),
                   {{"code", "deadline_exceeded"}, {"limit", "cpu"}});
    for (const pid_t worker : daemon.idle_workers())
      for (const auto &[limit, most] :
           {std::pair{"Max file size", "0"}, std::pair{"Max processes", "0"},
            std::pair{"Max open files", "16"}, std::pair{"Max core file size", "1"}})
        expect_equal(limit + (" " + limit_of(worker, limit)), limit + std::string(" ") + most);
    for (const ProcessState &state : daemon.descendants())
      if (state.state != 'Z' && state.name == "lethe-zygote" && state.parent != daemon.pid())
        expect(limit_of(state.pid, "Max data size") != "unlimited", "a zygote that loads");
  }
}

// Not the daemon's, which may be a terminal or a file.
Test(sandbox, zygotes_and_workers_have_a_standard_error_of_their_own) {
  Daemon daemon(DaemonOptions{.environment = {"LETHE_FAULT=zygote.forbidden"}});
  Client client = daemon.connect();
  client.eval("1");
  const auto standard_error_of = [](pid_t pid) {
    return std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/fd/2").string();
  };
  const std::string zygotes = standard_error_of(daemon.zygote());
  expect(zygotes.starts_with("pipe:") && zygotes != standard_error_of(daemon.pid()), zygotes);
  for (const pid_t worker : daemon.idle_workers())
    expect_equal(standard_error_of(worker), zygotes);
  // What is written there comes into the log.
  client.error("script.put", {"s", "function f() {}"});
  expect(daemon.logs(" warning pool default: lethe: forbidden system call "), "the log is silent");
}

// A program of the group's or of the same user's looks at no worker's memory, and no core has it.
Test(sandbox, zygotes_and_workers_are_not_dumpable) {
  Daemon daemon;
  daemon.connect().eval("1");
  if (claims(layers_of(daemon), "hidden_processes"))
    cr_skip_test("/proc hides them instead");
  daemon.idle_workers();
  for (const ProcessState &state : daemon.descendants()) {
    struct stat file {};
    const std::string path = "/proc/" + std::to_string(state.pid) + "/mem";
    if (state.state != 'Z' && state.name.starts_with("lethe-") && ::stat(path.c_str(), &file) == 0)
      expect_equal(file.st_uid, 0u);
  }
}

Test(sandbox, a_sandbox_that_is_switched_off_is_told_of) {
  Daemon daemon({"sandbox=off"});
  expect(layers_of(daemon).empty(), "there is a layer");
  expect(daemon.logs("the sandbox is switched off"), "the log does not say so");
  for (const pid_t worker : daemon.idle_workers())
    expect_equal(status_of(worker, "Seccomp"), "0");
  // The environment says nothing.
  Daemon other(DaemonOptions{.environment = {"LETHE_SANDBOX=off"}});
  expect(claims(layers_of(other), "seccomp"), "it is switched off");
}

Test(sandbox, a_required_sandbox_that_does_not_come_up_stops_the_start) {
  const std::string fault = "LETHE_FAULT=sandbox.layer";
  ScratchFolder folder;
  const Finished finished =
      run(daemon_command(folder, {.settings = {"sandbox=required"}, .environment = {fault}}));
  expect(finished.status != 0, "it starts");
  expect_contains(finished.errors, "zygote_landlock");
  // With less it starts, and says what is missing.
  Daemon daemon(DaemonOptions{.settings = {"sandbox=best"}, .environment = {fault}});
  expect_equal(daemon.connect().eval("1"), 1);
  expect(daemon.logs("not all of the sandbox is in force: "), "the log is silent");
  expect(daemon.logs("zygote_landlock: it is a test"), "the log does not name it");
}

// The top level of a script runs in a zygote: what it does against the sandbox ends that one alone.
Test(sandbox, a_script_whose_top_level_violates_the_sandbox_is_not_put) {
  Daemon daemon(DaemonOptions{.environment = {"LETHE_FAULT=zygote.forbidden"}});
  Client client = daemon.connect();
  expect_members(client.error("script.put", {"s", "function f() {}"}),
                 {{"code", "sandbox_violation"}, {"phase", "loading"}});
  expect_equal(client.eval("1"), 1);
}

Test(sandbox, a_check_tells_what_comes_up) {
  const Finished checked = run({.words = {program("lethe-zygote"), "--sandbox-check"}});
  for (const char *layer :
       {"no_new_privileges                in force", "zygote_seccomp                   in force",
        "seccomp                          in force", "worker                           closed"})
    expect_contains(checked.output, layer);
  expect_equal(checked.status == 0, checked.output.find("failed") == checked.output.npos);
}
