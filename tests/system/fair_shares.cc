// SPDX-License-Identifier: Apache-2.0
// Whatever one client does, the master's memory stays bounded and the others are served.
#include "tests/harness/user.h"

#include <algorithm>
#include <criterion/criterion.h>
#include <csignal>
#include <sys/socket.h>
#include <thread>

using namespace lethe::test;

using namespace std::string_literals;

TestSuite(fair_shares, .timeout = 120);

namespace {

constexpr uid_t greedy_user = 60'001, modest_user = 60'002;

// The beginning of an eval whose source has so many bytes.
std::string begun_message(size_t bytes, size_t sent) {
  std::string message = "\x94\x00\x07"s + to_bytes("eval") + "\x91\xdb"s;
  for (int shift = 24; shift >= 0; shift -= 8)
    message += static_cast<char>(bytes >> shift);
  return message + std::string(sent, ' ');
}

json stats(Client &client) { return client.result("stats", json::array()); }

size_t memory_kb(const Daemon &daemon) { return process_figure(daemon.pid(), "status", "VmRSS"); }

} // namespace

Test(fair_shares, answers_that_a_script_does_not_take_end_it) {
  Daemon daemon({"pool.default.workers=2"});
  Client other = daemon.connect(), client = daemon.connect();
  client.put("s", "function f() { for (let i = 0; i < 200; i++) host.call('more'); return "
                  "host.call('last').then(() => { for (;;); }); }");
  const size_t before_kb = memory_kb(daemon);
  // All at once, the last call's first, so that the script computes while the others come.
  const uint32_t msgid = client.start("call", {"s", "f", json::array(), {{"deadline_ms", 20'000}}});
  std::vector<std::string> answers;
  while (answers.size() < 201) {
    const json call = json::from_msgpack(client.receive().value());
    answers.push_back(to_bytes({1, call.at(1), nullptr, std::string(1'000'000, 'x')}));
  }
  std::ranges::reverse(answers);
  std::thread sender([&] {
    for (const std::string &answer : answers)
      client.send(answer);
  });
  size_t most_kb = 0;
  const auto begin = Clock::now();
  while (milliseconds_since(begin) < 800) {
    expect_equal(other.eval("1"), 1);
    most_kb = std::max(most_kb, memory_kb(daemon));
  }
  sender.join();
  const json error = client.wait(msgid).error();
  expect_members(error, {{"code", "overloaded"}, {"limit", "host_replies"}});
  expect(milliseconds_since(begin) < 15'000, "it waited for its deadline");
  expect(most_kb < before_kb + 40'000, std::to_string(most_kb - before_kb) + " kB more");
  expect_equal(client.eval("2"), 2);
}

Test(fair_shares, answers_that_a_script_takes_all_come) {
  Daemon daemon({"max_output_bytes=100000"});
  Client client = daemon.connect();
  client.on_host_call = [](uint32_t, const std::string &, const json &) {
    return std::string(1'000'000, 'x');
  };
  client.put("s", "async function f() { const all = []; for (let i = 0; i < 30; i++) "
                  "all.push(host.call('more')); let sum = 0; for (const one of all) sum += (await "
                  "one).length; return sum; }");
  const json patient = {{"deadline_ms", 60'000}};
  expect_equal(client.call("s", "f", json::array(), patient), 30'000'000);
  expect_equal(stats(client)["kills"], 0);
}

Test(fair_shares, one_read_full_of_requests_does_not_make_output_without_limit) {
  Daemon daemon({"max_output_bytes=1000000"});
  Client other = daemon.connect(), client = daemon.connect();
  client.put("s", "function f() {} //" + std::string(20'000, 'x'));
  const size_t before_kb = memory_kb(daemon);
  std::string requests;
  uint32_t end = 100;
  for (; requests.size() < 60'000; ++end)
    requests += to_bytes({0, end, "script.get", {"s"}});
  client.send(requests); // for 60 MB
  for (int i = 0; i < 50; ++i)
    expect_equal(other.eval("1"), 1);
  expect(memory_kb(daemon) < before_kb + 20'000,
         std::to_string(memory_kb(daemon) - before_kb) + " kB more");
  for (uint32_t msgid = 100; msgid < end; ++msgid) // and all are answered
    expect_equal(client.wait(msgid).result()["name"], "s");
}

Test(fair_shares, methods_of_every_kind_are_in_flight) {
  Daemon daemon({"max_in_flight=4"});
  Client client = daemon.connect(), other = daemon.connect();
  const uint32_t running = other.start("eval", {"for (;;);", {{"deadline_ms", 1000}}});
  expect(becomes_true([&] { return stats(other)["pools"]["default"]["running"] == 1; }), "running");
  std::vector<uint32_t> msgids; // which wait for that
  for (int i = 0; i < 5; ++i)
    msgids.push_back(client.start("drain", json::array()));
  expect_members(client.wait(msgids.back()).error(),
                 {{"code", "overloaded"}, {"limit", "in_flight"}});
  for (size_t i = 0; i < 4; ++i)
    expect_equal(client.wait(msgids[i]).result(), true);
  other.wait(running);
}

Test(fair_shares, whatever_a_request_holds_is_counted) {
  Daemon daemon({"pool.default.workers=1"});
  Client client = daemon.connect();
  client.put("s", "function f() {}");
  client.result("pause", json::array());
  const size_t before = stats(client)["buffered_bytes"];
  json steps = json::array();
  for (int i = 0; i < 1000; ++i)
    steps.push_back({"s", std::string(1000, 'f')});
  const uint32_t chain = client.start("chain", {steps, 1});
  const uint32_t traced = client.start("eval", {"1", {{"trace", std::string(256, 't')}}});
  expect(becomes_true([&] { return stats(client)["pools"]["default"]["queued"] == 2; }), "queued");
  expect(stats(client)["buffered_bytes"] > before + 1'000'000, "a chain's later steps are not");
  client.result("resume", json::array());
  expect_members(client.wait(chain).error(), {{"code", "not_found"}, {"kind", "function"}});
  expect_equal(client.wait(traced).result(), 1);
  expect(becomes_true([&] { return stats(client)["buffered_bytes"] <= before + 10'000; }),
         "not uncounted: " + shown(stats(client)["buffered_bytes"]));
}

Test(fair_shares, what_is_only_for_the_log_is_short) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("s", "function f() { return 1; }");
  const json trace = {{"trace", std::string(257, 't')}};
  expect_contains(client.eval_error("1", trace)["message"],
                  "trace must be a string of at most 256");
  const std::string name(1025, 'f');
  const auto is_refused = [](const json &error) {
    expect_equal(error["code"], "invalid_request");
    expect_contains(error["message"], "at most 1024 bytes");
  };
  is_refused(client.error("call", {"s", name, json::array()}));
  is_refused(client.error("chain", {json::array({{"s", "f"}, {"s", name}, {"s", "f"}}), 1}));
}

Test(fair_shares, puts_that_wait_are_bounded) {
  Daemon daemon;
  Client client = daemon.connect();
  std::vector<uint32_t> msgids;
  for (int i = 0; i < 200; ++i)
    msgids.push_back(client.start("script.put", {"s" + std::to_string(i), "function f() {}"}));
  int refused = 0;
  for (const uint32_t msgid : msgids) {
    const Reply reply = client.wait(msgid);
    if (!reply.failed())
      continue;
    ++refused;
    expect_members(reply.error(), {{"code", "overloaded"}, {"limit", "changes"}});
  }
  expect(refused > 50 && refused < 200, std::to_string(refused) + " were refused");
}

Test(fair_shares, sources_that_wait_are_bounded_and_counted) {
  Daemon daemon({"max_scripts_mb=4"});
  Client client = daemon.connect(), observer = daemon.connect();
  const std::string source = "function f() {} //" + std::string(1'000'000, 'x');
  std::string requests;
  for (uint32_t msgid = 100; msgid < 110; ++msgid)
    requests += to_bytes({0, msgid, "script.put", {"s" + std::to_string(msgid % 2), source}});
  client.send(requests);
  int refused = 0;
  for (uint32_t msgid = 100; msgid < 110; ++msgid)
    if (const Reply reply = client.wait(msgid); reply.failed()) {
      expect_members(reply.error(), {{"code", "overloaded"}, {"limit", "changes"}});
      ++refused;
    }
  expect(refused > 0, "ten sources of 1 MB waited");
  expect(becomes_true([&] { return stats(observer)["buffered_bytes"] < 100'000; }),
         shown(stats(observer)["buffered_bytes"]));
}

Test(fair_shares, a_message_that_has_begun_ends_in_time) {
  Daemon daemon({"stall_timeout_ms=500"});
  Client client = daemon.connect(), slow = daemon.connect(), idle = daemon.connect();
  client.send(begun_message(1'000'000, 500'000));
  slow.send(begun_message(1'000'000, 10));
  std::thread sender([&] {
    for (int i = 0; i < 100 && slow.send_some(" ") == 1; ++i)
      std::this_thread::sleep_for(milliseconds(20));
  });
  const json error = client.wait(7).error();
  expect_equal(error["code"], "invalid_request");
  expect_contains(error["message"], "did not end within 500 ms");
  expect(client.closes(), "the connection stays open");
  expect_equal(slow.wait(7, milliseconds(1500)).error()["code"], "invalid_request");
  sender.join();
  expect_equal(idle.eval("1"), 1); // has begun nothing
}

Test(fair_shares, a_reader_of_a_little_now_and_then_is_disconnected) {
  Daemon daemon({"stall_timeout_ms=500"});
  Client client = daemon.connect(), other = daemon.connect();
  client.start("eval", {"'x'.repeat(3e6)"});
  const auto begin = Clock::now();
  bool is_open = true;
  while (is_open && milliseconds_since(begin) < 5000) {
    char some[40'000];
    is_open = ::recv(client.descriptor(), some, sizeof some, 0) > 0;
    std::this_thread::sleep_for(milliseconds(100));
    if (stats(other)["connections_stalled"] == 1)
      break;
  }
  expect_equal(stats(other)["connections_stalled"], 1);
  expect(stats(other)["buffered_bytes"] < 1'000'000, "what it did not read is still there");
}

Test(fair_shares, who_holds_the_memory_is_dropped_and_not_who_asks) {
  Daemon daemon(for_all_users({"max_buffered_mb=4"}));
  std::vector<Client> greedy;
  Client other = daemon.connect();
  for (int i = 0; i < 60; ++i) {
    greedy.push_back(daemon.connect());
    greedy.back().send_some(begun_message(3'000'000, 1'000'000));
  }
  for (int i = 0; i < 50; ++i)
    expect_equal(other.eval("1 + 1"), 2);
  expect(memory_kb(daemon) < 200'000, "the limit does not hold");
  expect(stats(other)["buffered_bytes"] < (5 << 20), shown(stats(other)["buffered_bytes"]));
}

Test(fair_shares, a_queue_of_large_requests_gives_way) {
  Daemon daemon({"max_buffered_mb=4", "pool.default.workers=1"});
  Client other = daemon.connect();
  other.result("pause", json::array());
  std::vector<Client> greedy;
  std::vector<uint32_t> msgids;
  for (int i = 0; i < 4; ++i) {
    greedy.push_back(daemon.connect());
    msgids.push_back(greedy.back().start("eval", {"1 //" + std::string(1'000'000, 'x')}));
  }
  const uint32_t waiting = other.start("eval", {"2"});
  expect(becomes_true([&] { return stats(other)["overloaded"] > 0; }), "nobody gives way");
  other.result("resume", json::array());
  expect_equal(other.wait(waiting).result(), 2);
  int refused = 0;
  for (size_t i = 0; i < greedy.size(); ++i)
    if (const Reply reply = greedy[i].wait(msgids[i]); reply.failed()) {
      expect_members(reply.error(), {{"code", "overloaded"}, {"limit", "memory"}});
      ++refused;
    }
  expect(refused >= 1 && refused < 4, std::to_string(refused) + " were refused");
}

Test(fair_shares, eight_long_requests_of_one_user_do_not_delay_another) {
  if (!may_be_others())
    cr_skip_test("not root");
  Daemon daemon(for_all_users({"pool.default.workers=4"}));
  Client greedy = connect_as(greedy_user, daemon), modest = connect_as(modest_user, daemon);
  expect_equal(modest.eval("1"), 1);
  std::vector<uint32_t> msgids;
  for (int i = 0; i < 8; ++i)
    msgids.push_back(greedy.start("eval", {"for (;;);", {{"deadline_ms", 1500}}}));
  for (int i = 0; i < 10; ++i)
    expect_equal(modest.eval("2", {{"deadline_ms", 500}}), 2);
  for (const uint32_t msgid : msgids)
    greedy.wait(msgid);
}

Test(fair_shares, no_workers_are_reserved_where_that_is_set) {
  if (!may_be_others())
    cr_skip_test("not root");
  Daemon daemon(for_all_users({"pool.default.workers=2", "pool.default.reserved_percent=0"}));
  Client greedy = connect_as(greedy_user, daemon), modest = connect_as(modest_user, daemon);
  expect_equal(modest.eval("1"), 1);
  std::vector<uint32_t> msgids;
  for (int i = 0; i < 2; ++i)
    msgids.push_back(greedy.start("eval", {"for (;;);", {{"deadline_ms", 1500}}}));
  expect(becomes_true([&] { return stats(modest)["pools"]["default"]["running"] == 2; }), "both");
  expect_equal(modest.eval_error("2", {{"deadline_ms", 100}})["phase"], "queued");
  for (const uint32_t msgid : msgids)
    greedy.wait(msgid);
}

Test(fair_shares, who_fills_the_queue_is_refused) {
  if (!may_be_others())
    cr_skip_test("not root");
  Daemon daemon(for_all_users({"pool.default.workers=1", "pool.default.queue=20"}));
  Client greedy = connect_as(greedy_user, daemon), also_greedy = connect_as(greedy_user, daemon);
  Client modest = connect_as(modest_user, daemon), admin = daemon.connect();
  admin.result("pause", json::array());
  std::vector<uint32_t> first, second;
  for (int i = 0; i < 10; ++i) {
    first.push_back(greedy.start("eval", {"1"}));
    second.push_back(also_greedy.start("eval", {"1"}));
  }
  expect(becomes_true([&] { return stats(admin)["pools"]["default"]["queued"] == 20; }), "queued");
  std::vector<uint32_t> served;
  for (int i = 0; i < 5; ++i)
    served.push_back(modest.start("eval", {"2"}));
  expect(becomes_true([&] { return stats(admin)["overloaded"] == 5; }), "nobody was refused");
  admin.result("resume", json::array());
  for (const uint32_t msgid : served)
    expect_equal(modest.wait(msgid).result(), 2);
  int refused = 0;
  for (size_t i = 0; i < 10; ++i)
    for (const Reply &reply : {greedy.wait(first[i]), also_greedy.wait(second[i])})
      if (reply.failed()) {
        expect_members(reply.error(), {{"code", "overloaded"}, {"limit", "queue"}});
        ++refused;
      }
  expect_equal(refused, 5);
}

Test(fair_shares, who_has_all_connections_gives_one_up) {
  if (!may_be_others())
    cr_skip_test("not root");
  Daemon daemon(for_all_users({"max_connections=10"}));
  std::vector<Client> greedy;
  for (int i = 0; i < 12; ++i)
    greedy.push_back(connect_as(greedy_user, daemon));
  expect_members(greedy[11].eval_error("1"), {{"code", "overloaded"}, {"limit", "connections"}});
  for (int i = 0; i < 3; ++i)
    expect_equal(connect_as(modest_user, daemon).eval("1"), 1);
  Client modest = connect_as(modest_user, daemon), admin = daemon.connect();
  expect_equal(admin.eval("1"), 1);
  expect_equal(modest.eval("1"), 1);
  expect(stats(admin)["connections_displaced"] >= 2, shown(stats(admin)["connections_displaced"]));
  expect_equal(greedy[0].eval("1"), 1); // the oldest stay
  std::vector<Client> admins;
  for (int i = 0; i < 9; ++i) {
    admins.push_back(daemon.connect());
    expect_equal(admins.back().eval("1"), 1);
  }
  expect_equal(connect_as(modest_user, daemon).eval_error("1")["limit"], "connections");
}

Test(fair_shares, others_do_not_see_what_is_not_theirs) {
  if (!may_be_others())
    cr_skip_test("not root");
  Daemon daemon(for_all_users({"pool.default.script_writers=[\"60002\"]"}));
  Client admin = daemon.connect(), reader = connect_as(greedy_user, daemon),
         writer = connect_as(modest_user, daemon);
  admin.put("s", "const secret = 1;", {{"deadline_ms", 50}});
  expect_contains(writer.result("script.get", {"s"})["source"], "secret");
  expect_equal(reader.error("script.get", {"s"})["code"], "forbidden");
  expect_equal(reader.error("script.get", {"none"})["code"], "forbidden");
  expect_equal(reader.result("script.list", json::array())[0]["options"], json::object());
  expect_equal(writer.result("script.list", json::array())[0]["options"], {{"deadline_ms", 50}});
  daemon.idle_workers(); // after the put they are others
  expect(!stats(admin)["pools"]["default"]["processes"].empty(), "no workers");
  expect(stats(reader)["pools"]["default"]["processes"].empty(), "workers");
}

Test(fair_shares, a_put_and_a_reload_at_the_stop_have_an_answer) {
  Daemon daemon({"stop_timeout_ms=300"});
  Client client = daemon.connect();
  const uint32_t put = client.start("script.put", {"s", "for (;;);"});
  const uint32_t waiting = client.start("script.put", {"t", "function f() {}"});
  const uint32_t reload = client.start("reload", json::array());
  client.result("ping", json::array());
  daemon.process().signal(SIGTERM);
  for (const uint32_t msgid : {put, waiting, reload})
    expect_equal(client.wait(msgid).error()["code"], "shutting_down");
}

Test(fair_shares, a_name_of_a_host_call_is_short) {
  Daemon daemon;
  Client client = daemon.connect();
  client.on_host_call = [](uint32_t, const std::string &name, const json &) { return name.size(); };
  expect_equal(client.eval("host.call('x'.repeat(255))"), 255);
  expect_contains(client.eval_error("host.call('ä'.repeat(128))")["message"],
                  "the name has more than 255 bytes");
  expect_equal(stats(client)["protocol_breaks"], 0);
}

Test(fair_shares, no_text_forges_a_line_of_the_log) {
  Daemon daemon({"slow_ms=1"});
  Client client = daemon.connect();
  client.put("s", "globalThis['f\\n[error] forged'] = () => { const end = Date.now() + 20; while "
                  "(Date.now() < end); console.log('said\\n[error] forged\\u2028\\u009b'); }");
  client.call("s", "f\n[error] forged", json::array(), {{"trace", "t\n[error] forged"}});
  expect(daemon.logs("slow:"), daemon.log());
  const std::string log = daemon.log();
  expect(log.find("\n[error] forged") == log.npos, log);
  expect(log.find("\u2028") == log.npos && log.find("\u009b") == log.npos, log);
}
