// SPDX-License-Identifier: Apache-2.0
// A preload file is evaluated in a process that is closed: as the kernel tells, while one loops.
#include "tests/harness/daemon.h"

#include <criterion/criterion.h>
#include <csignal>
#include <sys/syscall.h>
#include <unistd.h>

using namespace lethe::test;
namespace fs = std::filesystem;

TestSuite(preload_files, .timeout = 60);

namespace {

std::string line_of(pid_t pid, const std::string &name) {
  const std::string status = "\n" + read_file("/proc/" + std::to_string(pid) + "/status");
  const size_t begin = status.find("\n" + name + ":\t") + name.size() + 3;
  return status.substr(begin, status.find('\n', begin) - begin);
}

} // namespace

Test(preload_files, a_hostile_one_has_a_pipe_and_a_processor) {
  ScratchFolder folder;
  const std::string file = folder.file("loop.js", "for (;;);");
  Process builder({{program("lethe-snapshot"), "build", "--deadline-ms", "30000", "--memory-mb",
                    "64", "--preload", file, "--output", folder.path() / "blob"},
                   {}},
                  -1, -1);
  pid_t child = 0;
  const auto is_closed = [&] {
    for (const ProcessState &state : descendants_of(builder.pid()))
      child = state.pid;
    return child != 0 && line_of(child, "Seccomp") == "2";
  };
  expect(becomes_true(is_closed), "there is no filter");
  expect_equal(line_of(child, "NoNewPrivs"), "1");
  for (const char *set : {"CapEff", "CapPrm", "CapInh", "CapAmb"})
    expect_equal(line_of(child, set), "0000000000000000");
  size_t others = 0;
  for (const auto &entry : fs::directory_iterator("/proc/" + std::to_string(child) + "/fd"))
    others += std::stoi(entry.path().filename()) > 2;
  expect_equal(others, 1);
  // And it ends with whoever has begun it.
  const lethe::FileDescriptor process(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  builder.signal(SIGKILL);
  expect(wait_readable({process.get()}) == 0, "it lives on");
}

// Whatever its world has: nothing that leads out of it.
Test(preload_files, a_hostile_one_finds_no_more_than_scripts_do) {
  ScratchFolder folder;
  const std::string file = folder.file(
      "probe.js", "globalThis.found = ['process', 'require', 'Deno', 'Bun', 'attack', "
                  "'native', 'module'].filter((name) => name in globalThis);"
                  "globalThis.called = 'nothing';"
                  "try { host.call('x').catch((error) => { called = String(error); }); }"
                  "catch (error) { called = error.name; }");
  Daemon daemon({"pool.default.preload=[\"" + file + "\"]"});
  Client client = daemon.connect();
  client.on_host_call = [](uint32_t, const std::string &, const json &) -> json {
    fail("a preload file reaches a client");
  };
  expect_equal(client.eval("found"), json::array());
  expect(client.eval("called") != "nothing", "its call was taken");
}
