// SPDX-License-Identifier: Apache-2.0
// Scripts on the disk: damaged files, a full disk, scripts that fail to load at the start.
#include "tests/harness/daemon.h"

#include <criterion/criterion.h>
#include <fstream>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

using namespace lethe::test;
namespace fs = std::filesystem;

TestSuite(stored_scripts, .timeout = 60);

namespace {

std::vector<fs::path> files_below(const fs::path &folder) {
  std::vector<fs::path> files;
  for (const auto &entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file())
      files.push_back(entry.path());
  return files;
}

} // namespace

Test(stored_scripts, each_damaged_file_costs_only_its_script) {
  Daemon daemon;
  {
    Client client = daemon.connect();
    client.put("one", "function f() { return 1; }");
    client.put("two", "function f() { return 2; }");
  }
  daemon.stop();
  const fs::path state = daemon.state_folder(), intact = daemon.folder().path() / "intact";
  fs::copy(state, intact, fs::copy_options::recursive);
  const std::vector<fs::path> files = files_below(state);
  expect(files.size() >= 4, "two files for each script");
  for (const fs::path &file : files) {
    const std::string content = read_file(file);
    const size_t half = content.size() / 2;
    for (const std::string &damaged : // cut short, changed in the middle, empty
         {content.substr(0, half), content.substr(0, half) + "\xc1" + content.substr(half + 1),
          std::string()}) {
      std::ofstream(file, std::ios::binary | std::ios::trunc) << damaged;
      daemon.start();
      Client client = daemon.connect();
      int working = 0;
      for (const char *name : {"one", "two"}) {
        const Reply reply = client.request("call", {name, "f", json::array()});
        working += !reply.failed();
        if (reply.failed())
          expect_equal(reply.error()["code"], "not_found");
      }
      expect_equal(working, 1);
      expect_contains(daemon.log(), "damaged");
      daemon.stop();
      expect(!fs::is_empty(state / "scripts" / "damaged"), "nothing was set aside");
      fs::remove_all(state);
      fs::copy(intact, state, fs::copy_options::recursive);
    }
  }
  daemon.start();
  expect_equal(daemon.connect().call("one", "f"), 1);
  expect_equal(daemon.connect().call("two", "f"), 2);
}

Test(stored_scripts, a_full_disk_is_said_and_the_old_script_stays) {
  // A tmpfs of 64 kB as the state folder, in a mount namespace of the daemon's.
  const ScratchFolder state;
  Daemon daemon(
      DaemonOptions{.arguments = {"--state-dir", state.path()}, .before_exec = [&] {
                      if (::unshare(CLONE_NEWNS) != 0 ||
                          ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
                          ::mount("lethe", state.path().c_str(), "tmpfs", 0, "size=64k") != 0)
                        ::_exit(0); // may not: the test says so below
                    }});
  Client client = daemon.connect();
  client.put("s", "function f() { return 'old'; }");
  const json error = client.error(
      "script.put", {"s", "function f() { return 'new'; }//" + std::string(100'000, 'x')});
  expect_equal(error["code"], "internal");
  expect_contains(error["message"], "No space left");
  expect_equal(client.call("s", "f"), "old");
  client.put("s", "function f() { return 'newer'; }");
  expect_equal(client.call("s", "f"), "newer");
}

Test(stored_scripts, one_that_fails_at_the_start_does_not_stop_the_others) {
  Daemon daemon({"pool.default.load_deadline_ms=1500"});
  const ScratchFolder files;
  {
    Client client = daemon.connect();
    client.put("good", "function f() { return 1; }");
    // Loads now; with another clock it throws or loops: stands for a script that changes its mind.
    client.put("throws", "if (Date.now() > " + std::to_string(::time(nullptr) * 1000 + 4000) +
                             ") throw new Error('too late');");
    client.put("loops",
               "while (Date.now() > " + std::to_string(::time(nullptr) * 1000 + 4000) + ");");
  }
  daemon.stop();
  expect(becomes_true([end = ::time(nullptr) + 5] { return ::time(nullptr) > end; }),
         "time stands still");
  daemon.start();
  Client client = daemon.connect();
  expect_equal(client.call("good", "f"), 1);
  for (const json &script : client.result("script.list", json::array()))
    expect_equal(script["resident"], script["name"] == "good");
  // It can be replaced.
  client.put("loops", "function f() { return 'mended'; }");
  expect_equal(client.call("loops", "f"), "mended");
}

Test(stored_scripts, two_clients_put_at_the_same_time) {
  Daemon daemon;
  Client first = daemon.connect(), second = daemon.connect();
  std::vector<uint32_t> msgids;
  for (int i = 0; i < 10; ++i) {
    msgids.push_back(
        first.start("script.put", {"s" + std::to_string(i), "function f() { return 'first'; }"}));
    second.start("script.put", {"t" + std::to_string(i), "function f() { return 'second'; }"});
  }
  for (const uint32_t msgid : msgids)
    expect(!first.wait(msgid).failed(), "a put failed");
  for (uint32_t msgid = 1; msgid <= 10; ++msgid)
    expect(!second.wait(msgid).failed(), "a put failed");
  for (int i = 0; i < 10; ++i) {
    expect_equal(first.call("s" + std::to_string(i), "f"), "first");
    expect_equal(first.call("t" + std::to_string(i), "f"), "second");
  }
}

// A long line of forks would make each fork slower.
Test(stored_scripts, many_changes_renew_the_zygote_and_cost_no_request) {
  Daemon daemon({"pool.default.workers=2", "pool.default.isolation=process"});
  Client client = daemon.connect(), other = daemon.connect();
  client.put("stays", "function f() { return 'here'; }");
  for (int i = 0; i < 40; ++i) {
    const uint32_t call = other.start("call", {"stays", "f", json::array()});
    client.put("changes", "function f() { return " + std::to_string(i) + "; }");
    expect_equal(client.call("changes", "f"), i);
    expect_equal(other.wait(call).result(), "here");
  }
  const auto stats = [&] { return client.result("stats", json::array()); };
  expect(becomes_true([&] { return stats()["zygotes_started"] == 3; }), shown(stats()));
  expect_equal(stats()["crashes"], 0);
  expect_equal(client.call("changes", "f"), 39);
}

Test(stored_scripts, no_request_is_refused_while_the_generation_changes) {
  Daemon daemon({"pool.default.isolation=reuse"});
  Client client = daemon.connect(), caller = daemon.connect();
  client.put("s", "function f() { return 0; }");
  int last = 0;
  for (int version = 1; version <= 20; ++version) {
    const uint32_t putting = client.start(
        "script.put", {"s", "function f() { return " + std::to_string(version) + "; }"});
    for (int i = 0; i < 20; ++i) {
      const int seen = caller.call("s", "f");
      expect(seen >= last && seen <= version, "version " + std::to_string(seen));
      last = seen;
    }
    client.wait(putting);
    expect_equal(caller.call("s", "f"), version); // what was put is seen by every later request
    last = version;
  }
}
