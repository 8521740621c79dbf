// SPDX-License-Identifier: Apache-2.0
// Clients that break the protocol, stall or come in thousands: they get a clear error or are
// disconnected, and nobody else notices.
#include "tests/harness/daemon.h"

#include <criterion/criterion.h>
#include <random>
#include <sys/resource.h>
#include <thread>

using namespace lethe::test;
using namespace std::string_literals;

TestSuite(bad_input, .timeout = 120);

namespace {

// A daemon, a client that misbehaves, and one that must not notice.
struct Scene {
  explicit Scene(DaemonOptions options = {}) : daemon(std::move(options)) {}
  ~Scene() noexcept(false) {
    if (std::uncaught_exceptions() == 0)
      expect_equal(other.eval("1 + 1"), 2);
  }
  std::vector<Client> connect(size_t count) {
    std::vector<Client> clients;
    for (size_t i = 0; i < count; ++i)
      clients.push_back(daemon.connect());
    return clients;
  }
  Daemon daemon;
  Client client = daemon.connect();
  Client other = daemon.connect();
};

// `bytes` get the error `invalid_request` for msgid 7, and then the connection is closed.
void is_invalid(const std::string &bytes, Where where = Where::here()) {
  Scene scene;
  scene.client.send(bytes);
  const json error = scene.client.wait(7).error();
  expect_equal(error["code"], "invalid_request", where);
  expect(scene.client.closes(), "the connection stays open", where);
}

// `bytes` have no msgid: the connection is closed.
void is_closed(const std::string &bytes, Where where = Where::here()) {
  Scene scene;
  scene.client.send(bytes);
  expect(scene.client.closes(), "the connection stays open", where);
}

bool may_open_files(rlim_t count) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur >= count;
}

std::string source_of_50_mb() {
  std::string source = "function f() { return 1; }//";
  source.resize(50'000'000, 'x');
  return source;
}

std::string nested(size_t depth) { return std::string(depth, '\x91') + "\xc0"; }

} // namespace

Test(bad_input, a_message_that_is_cut_off) {
  Scene scene;
  const std::string message = to_bytes({0, 1, "eval", {"1"}});
  for (size_t bytes = 1; bytes < message.size(); ++bytes) {
    Client client = scene.daemon.connect();
    client.send(message.substr(0, bytes));
    client.close();
  }
}

Test(bad_input, a_message_ten_thousand_levels_deep) {
  is_invalid("\x94\x00\x07"s + to_bytes("eval") + "\x92"s + to_bytes("1") + nested(10'000));
  is_closed(nested(10'000));
}

Test(bad_input, a_message_that_is_too_long) {
  Scene scene(DaemonOptions{.settings = {"max_message_bytes=100000"}});
  const std::string message =
      "\x94\x00\x07"s + to_bytes("eval") + "\x91\xdb\x00\x20\x00\x00"s; // 2 MB follow
  scene.client.send(message + std::string(1 << 17, ' '));
  std::thread rest([&] {
    const std::string bytes(1 << 20, ' ');
    for (size_t sent = 0; sent < bytes.size();) {
      const size_t count = scene.client.send_some(std::string_view(bytes).substr(sent));
      if (count == 0)
        break;
      sent += count;
    }
  });
  const json error = scene.client.wait(7).error();
  rest.join();
  expect_equal(error["code"], "too_large");
  expect_equal(error["limit_bytes"], 100'000);
  expect(scene.client.closes(), "the connection stays open");
}

Test(bad_input, a_message_of_no_bytes) {
  Scene scene;
  for (int i = 0; i < 100; ++i)
    scene.daemon.connect().close();
  scene.client.close();
}

Test(bad_input, messages_of_the_wrong_shape) {
  is_invalid("\x94\x00\x07\x01\x90"s);                      // method is a number
  is_invalid("\x94\x00\x07"s + to_bytes("eval") + "\x01"s); // params is no array
  is_invalid("\x93\x00\x07"s + to_bytes("eval"));           // three parts
  is_invalid("\x95\x00\x07"s + to_bytes("eval") + "\x90\x01"s);
  is_closed("\x01"s);                                       // not an array
  is_closed("\x94\x05\x07"s + to_bytes("eval") + "\x90"s);  // no such type
  is_closed("\x94\x00\xa1x"s + to_bytes("eval") + "\x90"s); // msgid is a string
  is_closed("\x94\x00\xff"s + to_bytes("eval") + "\x90"s);  // msgid is negative
  is_closed("\x90"s);
  is_closed("\xc1"s); // never used
}

Test(bad_input, a_msgid_that_is_in_flight) {
  Scene scene;
  scene.client.send(to_bytes({0, 7, "eval", {"host.call('wait')"}}));
  scene.client.send(to_bytes({0, 7, "eval", {"1"}}));
  expect_equal(scene.client.wait(7).error()["code"], "invalid_request");
  scene.client.send(to_bytes({0, 7, "ping", json::array()}));
  expect_equal(scene.client.wait(7).error()["code"], "invalid_request");
}

Test(bad_input, an_answer_that_nobody_asked_for) {
  Scene scene;
  scene.client.send(to_bytes({1, 5, nullptr, "answer"}));
  expect_equal(scene.client.eval("1"), 1);
}

// Deterministic: the same bytes each time. make fuzz looks further.
Test(bad_input, random_bytes) {
  Scene scene;
  std::mt19937 random(20'261'122);
  for (int round = 0; round < 300; ++round) {
    Client client = scene.daemon.connect();
    std::string bytes(1 + random() % 3000, '\0');
    for (char &byte : bytes)
      byte = static_cast<char>(random());
    client.send_some(bytes);
  }
}

Test(bad_input, a_valid_message_with_random_changes) {
  Scene scene;
  std::mt19937 random(4711);
  const std::string valid = to_bytes(
      {0, 1, "call", {"s", "f", {1, "two", {3}}, {{"deadline_ms", 50}, {"pool", "default"}}}});
  for (int round = 0; round < 500; ++round) {
    Client client = scene.daemon.connect();
    std::string bytes = valid;
    for (unsigned change = 0; change <= random() % 3; ++change)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    client.send_some(bytes + valid);
  }
}

Test(bad_input, a_client_that_never_reads) {
  Scene scene(DaemonOptions{.settings = {"max_message_bytes=1000000"}});
  const size_t before = process_figure(scene.daemon.pid(), "status", "VmRSS");
  std::string requests;
  for (uint32_t i = 0; i < 200; ++i)
    requests += to_bytes({0, i, "eval", {"'x'.repeat(900000)"}});
  scene.client.send_some(requests);
  for (int i = 0; i < 200; ++i)
    expect_equal(scene.other.eval("1"), 1);
  expect(process_figure(scene.daemon.pid(), "status", "VmRSS") < before + 150'000,
         "the master's memory grows with what nobody reads");
}

Test(bad_input, a_client_that_sends_byte_by_byte) {
  Scene scene;
  const std::string message = to_bytes({0, 7, "eval", {"'slowly'"}});
  for (const char byte : message) {
    scene.client.send({&byte, 1});
    expect_equal(scene.other.eval("1"), 1); // others are served in between
  }
  expect_equal(scene.client.wait(7).result(), "slowly");
}

Test(bad_input, two_thousand_connections) {
  if (!may_open_files(4500))
    cr_skip_test("the limit on open files is too low");
  Scene scene(DaemonOptions{.settings = {"max_connections=3000"}});
  std::vector<Client> clients = scene.connect(2000);
  std::vector<uint32_t> msgids;
  for (Client &client : clients)
    msgids.push_back(client.start("ping", json::array()));
  for (size_t i = 0; i < clients.size(); ++i)
    expect_equal(clients[i].wait(msgids[i]).result()["name"], "lethe");
  expect_equal(clients.back().eval("1"), 1);
}

Test(bad_input, two_thousand_connections_over_the_limit) {
  if (!may_open_files(4500))
    cr_skip_test("the limit on open files is too low");
  Scene scene(DaemonOptions{.settings = {"max_connections=50"}});
  std::vector<Client> clients = scene.connect(2000);
  int served = 0;
  for (Client &client : clients) {
    const Reply reply = client.request("ping", json::array());
    if (reply.failed())
      expect_equal(reply.error()["limit"], "connections");
    else
      ++served;
  }
  expect(served >= 40 && served <= 50, std::to_string(served) + " were served");
}

Test(bad_input, a_script_of_50_mb) {
  Scene scene;
  std::thread sender([&] {
    try {
      scene.client.send(to_bytes({0, 7, "script.put", {"large", source_of_50_mb()}}));
    } catch (const Failure &) { // closed before all was sent
    }
  });
  const json error = scene.client.wait(7).error();
  expect_equal(error["code"], "too_large");
  scene.client.closes();
  sender.join();
}

Test(bad_input, a_script_of_50_mb_where_it_is_allowed) {
  Scene scene(DaemonOptions{.settings = {"max_message_bytes=100000000"}});
  const Reply reply = scene.client.request("script.put", {"large", source_of_50_mb()});
  if (reply.failed()) // a limit may refuse it, clearly
    expect(reply.error()["code"] == "too_large" || reply.error()["code"] == "memory_limit",
           shown(reply.error()));
  else
    expect_equal(scene.client.call("large", "f"), 1);
}

Test(bad_input, names_with_slashes_are_names) {
  Scene scene;
  for (const std::string name : {"a/b/c", "../../etc/passwd", "/", "..", "ä ö/€"}) {
    scene.client.put(name, "function f() { return 1; }");
    expect_equal(scene.client.call(name, "f"), 1);
    expect_equal(scene.client.result("script.get", {name})["name"], name);
  }
  expect(!std::filesystem::exists(scene.daemon.folder().path() / "etc"), "a name became a path");
}

Test(bad_input, names_with_control_characters_are_refused) {
  Scene scene;
  for (const std::string &name : {""s, "a\0b"s, "a\nb"s, std::string(300, 'n')})
    expect_equal(scene.client.error("script.put", {name, "1"})["code"], "invalid_request");
  // Not UTF-8.
  scene.client.send("\x94\x00\x07"s + to_bytes("script.put") + "\x92\xa2\xff\xfe"s + to_bytes("1"));
  expect_equal(scene.client.wait(7).error()["code"], "invalid_value");
}
