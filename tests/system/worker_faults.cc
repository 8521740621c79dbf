// SPDX-License-Identifier: Apache-2.0
// What follows when workers end by faults, as they do for who tries out addresses. A signal from
// outside stands for the fault.
#include "tests/harness/daemon.h"

#include <criterion/criterion.h>
#include <csignal>
#include <thread>

using namespace lethe::test;

TestSuite(worker_faults, .timeout = 120);

namespace {

constexpr const char *loop = "host.call('end me').then(() => { while (1); })";

// Whatever this client runs and calls its host ends by the signal. For pools with one worker.
void ends_by(const Daemon &daemon, Client &client, int signal) {
  client.on_host_call = [&daemon, signal](uint32_t, const std::string &, const json &) {
    for (const pid_t pid : daemon.workers())
      ::kill(pid, signal);
    return nullptr;
  };
}

json stats_of(Client &client) { return client.result("stats", json::array()); }

// Where the program lies: the first mapping of a zygote.
std::string address_of(pid_t pid) {
  const std::string maps = read_file("/proc/" + std::to_string(pid) + "/maps");
  return maps.substr(0, maps.find('-'));
}

} // namespace

Test(worker_faults, after_a_fault_the_zygote_is_another_one_at_other_addresses) {
  for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGABRT, SIGSYS}) {
    Daemon daemon({"pool.default.workers=1", "pool.default.renew_interval_s=1"});
    Client client = daemon.connect();
    client.put("s", "function f() { return 1; }");
    const std::string before = ::getuid() == 0 ? address_of(daemon.workers().at(0)) : "";
    ends_by(daemon, client, signal);
    client.eval_error(loop);
    expect(becomes_true([&] { return stats_of(client)["zygotes_renewed"] == 1; }),
           shown(stats_of(client)));
    expect_members(stats_of(client), {{"zygotes_started", 2}, {"worker_faults", 1}});
    expect_equal(client.call("s", "f"), 1);
    if (::getuid() == 0)
      expect(becomes_true([&] {
               const auto workers = daemon.workers();
               return workers.size() == 1 && address_of(workers[0]) != before;
             }),
             "the next worker lies where the last one was");
  }
}

// It costs the time in which all scripts are loaded.
Test(worker_faults, many_faults_are_one_renewal_in_an_interval) {
  Daemon daemon({"pool.default.workers=1", "pool.default.renew_interval_s=5"});
  Client client = daemon.connect();
  ends_by(daemon, client, SIGSEGV);
  const auto begin = Clock::now();
  for (int i = 0; i < 3; ++i)
    client.eval_error(loop);
  expect(becomes_true([&] { return stats_of(client)["zygotes_renewed"] == 1; }),
         shown(stats_of(client)));
  expect(milliseconds_since(begin) > 3000, "it was not waited for");
  client.eval_error(loop);
  expect(becomes_true([&] { return stats_of(client)["zygotes_renewed"] == 2; }),
         shown(stats_of(client)));
  expect_equal(client.eval("1"), 1);
  std::this_thread::sleep_for(std::chrono::seconds(6));
  expect_members(stats_of(client), {{"zygotes_renewed", 2}, {"worker_faults", 4}});
}

// A worker that had nothing to do, or whose client is gone, may have been broken into all the same.
Test(worker_faults, of_workers_that_nobody_waits_for_count) {
  Daemon daemon({"pool.default.workers=1", "pool.default.renew_interval_s=1"});
  Client client = daemon.connect();
  client.eval("1");
  for (const pid_t pid : daemon.workers())
    ::kill(pid, SIGSEGV);
  expect(becomes_true([&] { return stats_of(client)["zygotes_renewed"] == 1; }),
         shown(stats_of(client)));
}

Test(worker_faults, an_end_that_is_no_fault_renews_nothing) {
  Daemon daemon({"pool.default.workers=1", "pool.default.renew_interval_s=1"});
  Client client = daemon.connect();
  ends_by(daemon, client, SIGKILL);
  client.eval_error(loop);
  expect_equal(client.eval_error("const all = []; while (1) all.push(new Array(1000).fill(0.5));",
                                 {{"deadline_ms", 60'000}})["code"],
               "memory_limit");
  std::this_thread::sleep_for(std::chrono::seconds(3));
  expect_members(stats_of(client),
                 {{"zygotes_renewed", 0}, {"zygotes_started", 1}, {"worker_faults", 0}});
}

Test(worker_faults, a_zygote_is_renewed_of_age_while_requests_are_served) {
  Daemon daemon({"pool.default.workers=1", "pool.default.renew_age_s=1"});
  Client client = daemon.connect();
  std::this_thread::sleep_for(std::chrono::seconds(3));
  expect_equal(stats_of(client)["zygotes_renewed"], 0);
  expect(becomes_true([&] {
           expect_equal(client.eval("1"), 1);
           return stats_of(client)["zygotes_renewed"] == 1;
         }),
         "it grows old");
}
