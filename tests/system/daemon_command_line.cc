// SPDX-License-Identifier: Apache-2.0
// client/PROTOCOL.md, the daemon's command line, signals and readiness.
#include "tests/harness/daemon.h"

#include <criterion/criterion.h>
#include <csignal>
#include <sys/stat.h>
#include <unistd.h>

using namespace lethe::test;
namespace fs = std::filesystem;

TestSuite(daemon, .timeout = 60);

namespace {

// Starts it without NOTIFY_SOCKET and waits for the line that says where it listens.
Process start_and_read_ready_line(const Command &command, const std::string &socket_path) {
  int ends[2];
  expect(::pipe(ends) == 0, "pipe");
  const lethe::FileDescriptor reading(ends[0]), writing(ends[1]);
  Process process(command, -1, writing.get());
  std::string text;
  while (text.find("ready on " + socket_path) == std::string::npos) {
    char bytes[4096];
    expect(wait_readable({reading.get(), process.pidfd()}) == 0, "not ready: " + text);
    const ssize_t count = ::read(reading.get(), bytes, sizeof bytes);
    text.append(bytes, static_cast<size_t>(std::max<ssize_t>(count, 0)));
  }
  return process;
}

void become_nobody() {
  if (::setgid(65534) != 0 || ::setuid(65534) != 0)
    ::_exit(126);
}

} // namespace

Test(daemon, config) {
  const ScratchFolder folder;
  Daemon daemon(
      DaemonOptions{.arguments = {"--config", folder.file("lethe.toml", "max_in_flight = 77\n")}});
  expect_equal(daemon.connect().result("config", json::array())["max_in_flight"]["value"], 77);
  const Finished finished =
      run(daemon_command(folder, {.arguments = {"--config", folder.path() / "none.toml"}}));
  expect(finished.status != 0, "it started without the configuration that was asked for");
  expect_contains(finished.errors, "none.toml");
}

Test(daemon, set) {
  Daemon daemon({"pool.extra.workers=1"});
  expect_equal(daemon.connect().eval("1", {{"pool", "extra"}}), 1);
}

Test(daemon, socket_state_dir_and_cache_dir) {
  Daemon daemon; // the harness gives all three
  daemon.connect().put("s", "function f() {}");
  expect(fs::is_socket(daemon.socket_path()), "no socket");
  expect(fs::is_directory(daemon.state_folder()), "no state");
}

Test(daemon, log_level) {
  {
    Daemon quiet(DaemonOptions{.arguments = {"--log-level", "error"}});
    quiet.connect().eval("console.log('unheard')");
    expect(quiet.log().find("unheard") == std::string::npos, quiet.log());
  }
  Daemon loud(DaemonOptions{.arguments = {"--log-level", "debug"}});
  loud.connect().eval("console.log('heard')");
  expect(loud.logs("heard"), loud.log());
}

Test(daemon, log_level_debug_shows_each_move_of_a_worker_a_zygote_and_a_change) {
  const std::vector<std::string> settings = {"pool.default.workers=1",
                                             "pool.default.isolation=reuse"};
  Daemon daemon({.settings = settings, .arguments = {"--log-level", "debug"}});
  Client client = daemon.connect();
  expect_equal(client.eval("1"), 1);
  client.put("s", "function f() { for (;;); }");
  client.error("call", {"s", "f", json::array(), {{"deadline_ms", 50}}});
  for (const char *move : {
           "the daemon: starting -> ready",
           "zygote 1 of pool default: loading -> ready",
           "pool default: settled -> building",
           "the next generation of pool default: beginning -> executing",
           "worker 1 of pool default: forked -> idle",
           "worker 1 of pool default: idle -> running",
           "worker 1 of pool default: running -> idle",
           // The script is put.
           "the next generation of pool default: beginning -> growing",
           "zygote 2 of pool default: loading -> ready",
           "pool default: building -> storing",
           "pool default: storing -> settled",
           "worker 1 of pool default: idle -> leaving (of an old generation)",
           // Its deadline passes.
           "worker 2 of pool default: running -> leaving (interrupted)",
           "worker 2 of pool default: leaving -> hung up",
           "worker 2 of pool default: hung up -> gone",
       })
    expect(daemon.logs(move), std::string("no \"") + move + "\" in\n" + daemon.log());
  Daemon usual(DaemonOptions{.settings = settings});
  expect_equal(usual.connect().eval("1"), 1);
  expect(usual.log().find(" -> ") == std::string::npos, usual.log());
}

Test(daemon, check_config) {
  const ScratchFolder folder;
  const Finished good = run({{program("lethed"), "--check-config", "--config",
                              folder.file("good.toml", "grace_ms = 10\n")}});
  expect_equal(good.status, 0);
  const Finished bad = run({{program("lethed"), "--check-config", "--config",
                             folder.file("bad.toml", "\ngrace = 10\n")}});
  expect(bad.status != 0, "it is content");
  expect_contains(bad.errors, "bad.toml:2");
}

Test(daemon, version) {
  const Finished finished = run({{program("lethed"), "--version"}});
  expect_equal(finished.status, 0);
  expect_contains(finished.output, LETHE_VERSION);
}

Test(daemon, wrong_usage) {
  const Finished finished = run({{program("lethed"), "--no-such-option"}});
  expect(finished.status != 0, "it started");
  expect_contains(finished.errors + finished.output, "no-such-option");
}

Test(daemon, says_that_it_is_ready_when_a_request_would_succeed) {
  for (int i = 0; i < 5; ++i) {
    Daemon daemon; // waits for READY=1
    expect_equal(daemon.connect().eval("1", {{"deadline_ms", 2000}}), 1);
  }
}

Test(daemon, says_on_standard_error_that_it_is_ready) {
  const ScratchFolder folder;
  const std::string socket = folder.path() / "lethe.sock";
  Process process = start_and_read_ready_line(daemon_command(folder), socket);
  expect_equal(Client(socket).eval("1"), 1);
  process.signal(SIGTERM);
  expect_equal(process.wait(), 0);
}

// Ready means one worker: most of them are just being forked.
Test(daemon, warns_of_no_worker_where_it_stops_as_soon_as_it_is_ready) {
  Daemon daemon({"pool.default.workers=16"});
  for (int i = 0; i < 3; ++i) {
    if (i > 0)
      daemon.start();
    daemon.stop();
    expect(daemon.log().find("left behind") == std::string::npos, daemon.log());
  }
  daemon.start();
}

Test(daemon, sigint_stops_in_order) {
  Daemon daemon;
  daemon.process().signal(SIGINT);
  expect_equal(daemon.process().wait(), 0);
  daemon.start();
  expect_equal(daemon.connect().eval("1"), 1);
}

Test(daemon, sigterm_ends_what_does_not_end_by_itself) {
  Daemon daemon({"stop_timeout_ms=100"});
  Client client = daemon.connect();
  const uint32_t msgid = client.start("eval", {"while (1);", {{"deadline_ms", 60'000}}});
  client.result("ping", json::array());
  const auto begin = Clock::now();
  daemon.stop();
  expect(milliseconds_since(begin) < 3000, "the stop took long");
  expect_equal(client.wait(msgid).error()["code"], "shutting_down");
}

Test(daemon, sighup_reloads) {
  const ScratchFolder folder;
  const std::string config = folder.file("lethe.toml", "max_in_flight = 5\n");
  Daemon daemon(DaemonOptions{.arguments = {"--config", config}});
  Client client = daemon.connect();
  folder.file("lethe.toml", "max_in_flight = 6\n");
  daemon.process().signal(SIGHUP);
  expect(becomes_true(
             [&] { return client.result("config", json::array())["max_in_flight"]["value"] == 6; }),
         "not reloaded: " + daemon.log());
}

Test(daemon, a_stale_socket_file_is_replaced) {
  Daemon daemon;
  daemon.kill();
  expect(fs::exists(daemon.socket_path()), "a killed daemon can't remove its socket");
  daemon.start();
  expect_equal(daemon.connect().eval("1"), 1);
}

Test(daemon, a_socket_in_use_stops_the_start) {
  Daemon daemon;
  const ScratchFolder state;
  const Finished second = run(daemon_command(daemon.folder(), {.state_folder = state.path()}));
  expect(second.status != 0, "two daemons on one socket");
  expect_contains(second.errors, daemon.socket_path());
  expect_equal(daemon.connect().eval("1"), 1);
}

Test(daemon, a_file_that_is_no_socket_is_left_alone) {
  const ScratchFolder folder;
  folder.file("lethe.sock", "precious");
  const Finished finished = run(daemon_command(folder));
  expect(finished.status != 0, "it started");
  expect_contains(finished.errors, "lethe.sock");
  expect_equal(read_file(folder.path() / "lethe.sock"), "precious");
}

Test(daemon, a_socket_path_that_is_too_long_stops_the_start) {
  const ScratchFolder folder;
  const std::string path = folder.path() / std::string(150, 'x');
  Command command = daemon_command(folder);
  command.words[2] = path;
  const Finished too_long = run(command);
  expect(too_long.status != 0, "it started");
  expect_contains(too_long.errors, path);
  expect_contains(too_long.errors, "107");
}

Test(daemon, a_state_folder_without_permission_stops_the_start) {
  if (::getuid() != 0)
    cr_skip_test("needs root to become another user");
  const ScratchFolder folder;
  fs::permissions(folder.path(), fs::perms(0755));
  const std::string cache = folder.path() / "cache";
  const Finished finished =
      run(daemon_command(folder, {.before_exec = become_nobody, .cache_folder = cache}));
  expect(finished.status != 0 && finished.status != 126,
         "status " + std::to_string(finished.status));
  expect_contains(finished.errors, "Permission denied");
  expect_contains(finished.errors, (folder.path() / "state").string());
}

Test(daemon, works_as_an_ordinary_user_without_configuration) {
  if (::getuid() != 0)
    cr_skip_test("all other tests show it");
  const ScratchFolder folder;
  expect(::chown(folder.path().c_str(), 65534, 65534) == 0, "chown");
  const std::string socket = folder.path() / "lethe.sock";
  Process process = start_and_read_ready_line({{program("lethed"), "--socket", socket},
                                               {"HOME=" + folder.path().string()},
                                               {},
                                               become_nobody},
                                              socket);
  expect_equal(Client(socket).eval("1"), 1);
  process.signal(SIGTERM);
  expect_equal(process.wait(), 0);
}
