// SPDX-License-Identifier: Apache-2.0
// What follows when workers end by faults, as they do for who tries out addresses. A signal from
// outside stands for the fault.
#include "tests/harness/user.h"

#include <criterion/criterion.h>
#include <csignal>
#include <thread>

using namespace lethe::test;

TestSuite(worker_faults, .timeout = 120);

namespace {

constexpr const char *runaway = "host.call('end me').then(() => { while (1); })";

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
    client.call("s", "f"); // by a worker of the new generation
    std::vector<pid_t> workers;
    expect(becomes_true([&] { return (workers = daemon.workers()).size() == 1; }),
           "workers of two generations");
    const std::string before = ::getuid() == 0 ? address_of(workers[0]) : "";
    ends_by(daemon, client, signal);
    client.eval_error(runaway);
    expect(becomes_true([&] { return stats_of(client)["zygotes_renewed"] == 1; }),
           shown(stats_of(client)));
    expect_members(stats_of(client), {{"zygotes_started", 2}, {"worker_faults", 1}});
    expect_equal(client.call("s", "f"), 1);
    if (::getuid() == 0)
      expect(becomes_true([&] {
               workers = daemon.workers();
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
    client.eval_error(runaway);
  expect(becomes_true([&] { return stats_of(client)["zygotes_renewed"] == 1; }),
         shown(stats_of(client)));
  expect(milliseconds_since(begin) > 3000, "it was not waited for");
  client.eval_error(runaway);
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
  client.eval_error(runaway);
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

// --- quarantine ---

namespace {

constexpr const char *hostile = "async function crash() { await host.call('end me'); while (1); }"
                                "function f() { return 'sound'; }";

void crash(Client &client, const std::string &script, int times) {
  for (int i = 0; i < times; ++i)
    expect_members(client.error("call", {script, "crash", json::array()}),
                   {{"code", "worker_crashed"}, {"signal", SIGSEGV}});
}

json listed(Client &client, const std::string &script) {
  for (const json &entry : client.result("script.list", json::array()))
    if (entry["name"] == script)
      return entry;
  return nullptr;
}

} // namespace

Test(worker_faults, a_script_that_ends_workers_is_quarantined_until_it_is_released) {
  Daemon daemon({"pool.default.workers=1", "quarantine_faults=3"});
  Client client = daemon.connect();
  client.put("bad", hostile);
  client.put("good", hostile);
  ends_by(daemon, client, SIGSEGV);
  crash(client, "good", 2);
  crash(client, "bad", 3);
  const auto refused = [&] {
    const json error = client.error("call", {"bad", "f", json::array()});
    expect_members(error, {{"code", "quarantined"}, {"kind", "script"}, {"name", "bad"}});
    expect_contains(error["message"], "lethe script release bad");
  };
  expect(becomes_true([&] { return listed(client, "bad")["quarantined"] == true; }),
         shown(listed(client, "bad")));
  refused();
  const json good = {"good", "f"}, bad = {"bad", "f"};
  expect_members(client.error("chain", {json::array({good, bad}), nullptr}),
                 {{"code", "quarantined"}, {"name", "bad"}});
  expect_equal(client.call("good", "f"), "sound");
  expect_members(listed(client, "good"), {{"quarantined", false}, {"faults", 2}});
  expect_equal(client.eval("1"), 1);
  // Neither a reload nor a new generation lets it out.
  client.result("reload", json::array());
  client.put("another", hostile);
  refused();
  expect_equal(client.result("script.release", {"bad"}), true);
  expect_equal(client.result("script.release", {"bad"}), false);
  expect_equal(client.call("bad", "f"), "sound");
  expect_members(listed(client, "bad"), {{"quarantined", false}, {"faults", 0}});
  expect_members(stats_of(client), {{"quarantines", 1}, {"worker_faults", 5}});
  expect(daemon.logs("version 1 of script bad is quarantined"), "the log does not say so");
}

Test(worker_faults, another_version_of_a_script_starts_afresh) {
  Daemon daemon({"pool.default.workers=1", "quarantine_faults=2"});
  Client client = daemon.connect();
  client.put("bad", hostile);
  ends_by(daemon, client, SIGSEGV);
  crash(client, "bad", 2);
  expect(becomes_true([&] { return listed(client, "bad")["quarantined"] == true; }),
         shown(listed(client, "bad")));
  client.put("bad", hostile);
  expect_equal(client.call("bad", "f"), "sound");
  crash(client, "bad", 1);
  expect_equal(client.call("bad", "f"), "sound");
}

Test(worker_faults, a_user_whose_evals_end_workers_is_refused_and_others_are_not) {
  if (!may_be_others())
    cr_skip_test("needs root to become another user");
  Daemon daemon(for_all_users({"pool.default.workers=1", "quarantine_faults=3"}));
  daemon.connect().put("s", hostile);
  for (int i = 0; i < 3; ++i) {
    Client client = connect_as(12345, daemon); // whoever connects again is the same user
    ends_by(daemon, client, SIGSEGV);
    expect_equal(client.eval_error(runaway)["code"], "worker_crashed");
  }
  Client client = connect_as(12345, daemon), other = connect_as(54321, daemon);
  json error;
  expect(becomes_true([&] {
           const Reply reply = client.request("eval", {"1"});
           if (reply.failed())
             error = reply.error();
           return reply.failed();
         }),
         "its evals are run");
  expect_members(error, {{"code", "quarantined"}, {"kind", "user"}, {"name", "12345"}});
  expect(error["retry_after_ms"] > 0 && error["retry_after_ms"] <= 600'000, shown(error));
  expect_equal(client.call("s", "f"), "sound");
  expect_equal(other.eval("1"), 1);
  expect_equal(other.error("script.release", {"s"})["code"], "forbidden");
}

Test(worker_faults, kills_and_limits_quarantine_nothing) {
  Daemon daemon({"pool.default.workers=1", "quarantine_faults=1"});
  Client client = daemon.connect();
  ends_by(daemon, client, SIGKILL);
  client.eval_error(runaway);
  client.eval_error("const all = []; while (1) all.push(new Array(1000).fill(0.5));",
                    {{"deadline_ms", 60'000}});
  client.eval_error("while (1);", {{"deadline_ms", 50}});
  expect_equal(client.eval("1"), 1);
}
