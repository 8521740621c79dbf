// SPDX-License-Identifier: Apache-2.0
// The client: replies find their requests, nothing is sent twice, nothing waits for ever.
#include "client/include/lethe.hpp"
#include "tests/unit/client/fake_daemon.h"

#include <algorithm>
#include <criterion/criterion.h>
#include <csignal>
#include <sys/wait.h>

using lethe::Builder;
using lethe::Client;
using lethe::Options;
using lethe::Reader;
using lethe::Reply;
using lethe::test::FakeDaemon;
using namespace std::chrono_literals;
using namespace std::string_literals;
using Clock = std::chrono::steady_clock;

namespace {

// Of a call's parameters: the function's name, and the arguments as they stand.
std::pair<std::string, std::string> call_of(const FakeDaemon::Message &message) {
  Reader reader(message.body);
  reader.array();
  reader.skip();
  const std::string function(*reader.string());
  return {function, std::string(*reader.take_raw())};
}

// Answers echo with its arguments and fail with an error; never leaves a request open, until it is
// cancelled; die ends the connection.
bool ordinary(FakeDaemon &daemon, const FakeDaemon::Message &message) {
  if (message.kind == 2) { // cancel [msgid]
    Reader reader(message.body);
    reader.array();
    daemon.error(static_cast<uint32_t>(*reader.integer()), "cancelled");
    return true;
  }
  const auto [function, arguments] = call_of(message);
  if (function == "echo")
    daemon.result(message.id, arguments);
  else if (function == "fail")
    daemon.error(message.id, "script_error");
  return function != "die";
}

Client connect(const FakeDaemon &daemon, std::chrono::milliseconds connect_timeout = 0ms) {
  auto client = Client::connect(daemon.path(), connect_timeout);
  cr_assert(client, "%s", client ? "" : client.error().message().data());
  return std::move(*client);
}

Builder one(int64_t number) { return std::move(Builder().array(1).integer(number)); }

Options timeout(std::chrono::milliseconds limit) {
  Options options;
  options.timeout = limit;
  return options;
}

// As an event loop does it; false if nothing comes for long.
bool dispatch_until(Client &client, const std::function<bool()> &done) {
  while (!done()) {
    pollfd descriptor{client.descriptor(), POLLIN, 0};
    if (::poll(&descriptor, 1, 5000) == 0)
      return false;
    client.dispatch(0ms);
  }
  return true;
}

} // namespace

TestSuite(client, .timeout = 30);

Test(client, a_call_gets_its_result) {
  FakeDaemon daemon(ordinary);
  Client client = connect(daemon);
  const Reply reply = client.call("s", "echo", one(5));
  cr_assert(reply);
  cr_assert_eq(reply.value().json(), "[5]");
}

Test(client, an_error_has_code_message_and_all_keys) {
  FakeDaemon daemon(ordinary);
  Client client = connect(daemon);
  const Reply reply = client.call("s", "fail");
  cr_assert_not(reply);
  cr_assert_eq(reply.code(), "script_error");
  cr_assert_eq(reply.message(), "as the test wants it");
  cr_assert_eq(reply.value()["line"].int64(), 7);
}

Test(client, messages_look_as_the_protocol_has_it) {
  std::string seen;
  FakeDaemon daemon([&](FakeDaemon &self, const FakeDaemon::Message &message) {
    seen = message.method + lethe::Value({message.body.data(), message.body.size()}).json();
    self.result(message.id, "\xc0");
    return true;
  });
  Client client = connect(daemon);
  client.call("s", "f");
  cr_assert_eq(seen, R"(call["s","f",[],{}])");
  Options options;
  options.pool = "p";
  options.deadline = 70ms;
  options.console = true;
  const Builder globals = std::move(Builder().map(1).string("g").integer(1));
  options.globals = globals;
  client.eval("1", options);
  cr_assert_eq(seen, R"(eval["1",{"pool":"p","globals":{"g":1},"deadline_ms":70,"console":true}])");
  const std::vector<Client::Step> steps{{"a", "f"}, {"b", "g"}};
  client.chain(steps, one(1));
  cr_assert_eq(seen, R"(chain[[["a","f"],["b","g"]],[1],{}])");
  client.invoke("script.get", Builder().array(1).string("a"));
  cr_assert_eq(seen, R"(script.get["a"])");
  client.invoke("ping");
  cr_assert_eq(seen, R"(ping[])");
}

Test(client, what_is_not_one_value_is_refused_before_it_is_sent) {
  FakeDaemon daemon(ordinary);
  Client client = connect(daemon);
  const std::string_view cut = "\x92\x01";
  const Reply reply = client.call("s", "echo", lethe_value{cut.data(), cut.size()});
  cr_assert_eq(reply.code(), "invalid_request");
  cr_assert(client.call("s", "echo"), "the connection is still good");
}

Test(client, replies_come_in_any_order) {
  std::vector<uint32_t> held;
  FakeDaemon daemon([&](FakeDaemon &self, const FakeDaemon::Message &message) {
    held.push_back(message.id);
    if (held.size() == 3) {
      std::reverse(held.begin(), held.end());
      for (const uint32_t id : held)
        self.result(id, std::string(1, static_cast<char>(id)));
    }
    return true;
  });
  Client client = connect(daemon);
  auto a = client.call_async("s", "f"), b = client.call_async("s", "f"),
       c = client.call_async("s", "f");
  for (auto *request : {&a, &b, &c})
    cr_assert_eq(request->wait()->value().int64(), request->id());
}

Test(client, completions_come_from_dispatch) {
  FakeDaemon daemon(ordinary);
  Client client = connect(daemon);
  int right = 0;
  for (int i = 0; i < 1000; ++i)
    client.call_async("s", "echo", one(i), {},
                      [&right, i](Reply reply) { right += reply.value()[size_t{0}].int64() == i; });
  cr_assert(dispatch_until(client, [&] { return right == 1000; }));
  pollfd descriptor{client.descriptor(), POLLIN, 0};
  cr_assert_eq(::poll(&descriptor, 1, 0), 0, "nothing is left to dispatch");
}

Test(client, threads_share_a_connection) {
  FakeDaemon daemon(ordinary);
  Client client = connect(daemon);
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; ++thread)
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 500; ++i)
        right += client.call("s", "echo", one(thread * 1000 + i)).value()[size_t{0}].int64() ==
                 thread * 1000 + i;
    });
  int dispatched = 0;
  for (int i = 0; i < 500; ++i)
    client.call_async("s", "echo", one(i), {}, [&](Reply reply) { dispatched += bool{reply}; });
  cr_assert(dispatch_until(client, [&] { return dispatched == 500; }));
  for (auto &thread : threads)
    thread.join();
  cr_assert_eq(right, 4000);
  cr_assert_eq(daemon.connections(), 1);
}

Test(client, a_thread_that_waits_does_not_hold_up_the_others) {
  FakeDaemon daemon(ordinary);
  Client client = connect(daemon);
  std::thread slow(
      [&] { cr_assert_eq(client.call("s", "never", {}, timeout(500ms)).code(), "timed_out"); });
  const auto begin = Clock::now();
  for (int i = 0; i < 100; ++i)
    cr_assert(client.call("s", "echo"));
  cr_assert(Clock::now() - begin < 400ms);
  slow.join();
}

Test(client, no_reply_within_the_timeout_cancels_the_request) {
  std::atomic<int> cancelled = 0;
  FakeDaemon daemon([&](FakeDaemon &self, const FakeDaemon::Message &message) {
    cancelled += message.kind == 2 && message.method == "cancel";
    return message.kind == 2 || ordinary(self, message);
  });
  Client client = connect(daemon);
  const auto begin = Clock::now();
  cr_assert_eq(client.call("s", "never", {}, timeout(50ms)).code(), "timed_out");
  cr_assert(Clock::now() - begin < 1s);
  bool completed = false;
  client.call_async("s", "never", {}, timeout(50ms), [&](Reply reply) {
    completed = true;
    cr_assert_eq(reply.code(), "timed_out");
  });
  cr_assert(dispatch_until(client, [&] { return completed; }));
  cr_assert(client.call("s", "echo"));
  cr_assert_eq(cancelled, 2);
}

Test(client, cancel_and_abandon) {
  FakeDaemon daemon(ordinary);
  Client client = connect(daemon);
  auto request = client.call_async("s", "never");
  cr_assert_not(request.wait(10ms));
  request.cancel();
  cr_assert_eq(request.wait()->code(), "cancelled");
  cr_assert_not(request.wait(), "a reply is taken once");
  { auto dropped = client.call_async("s", "never"); }
  cr_assert(client.call("s", "echo"));
}

Test(client, a_lost_connection_fails_what_is_in_flight_and_the_next_request_connects_again) {
  std::atomic<int> runs = 0;
  FakeDaemon daemon([&](FakeDaemon &self, const FakeDaemon::Message &message) {
    ++runs;
    return ordinary(self, message);
  });
  Client client = connect(daemon, 2s);
  cr_assert(client.call("s", "echo"));
  auto waiting = client.call_async("s", "never");
  cr_assert_eq(client.call("s", "die").code(), "connection_lost");
  cr_assert_eq(waiting.wait()->code(), "connection_lost");
  cr_assert(client.call("s", "echo"));
  cr_assert_eq(runs, 4, "nothing is sent twice");
  cr_assert_eq(daemon.connections(), 2);
}

Test(client, a_restarted_daemon_goes_unnoticed_between_requests) {
  FakeDaemon daemon(ordinary);
  Client client = connect(daemon, 2s);
  cr_assert(client.call("s", "echo"));
  daemon.stop();
  daemon.start();
  std::this_thread::sleep_for(20ms); // idle for longer than is trusted
  cr_assert(client.call("s", "echo"));
}

Test(client, what_was_not_sent_to_a_daemon_that_died_goes_to_its_successor_in_order) {
  std::string seen;
  FakeDaemon daemon([&](FakeDaemon &self, const FakeDaemon::Message &message) {
    if (message.kind == 0)
      seen += call_of(message).second;
    return ordinary(self, message);
  });
  Client client = connect(daemon, 5s);
  cr_assert(client.call("s", "echo", one(0)));
  auto sent = client.call_async("s", "never", one(1)); // in flight: the client trusts its socket
  cr_assert_not(sent.wait(50ms));
  daemon.stop();
  auto first = client.call_async("s", "echo", one(2));
  auto cancelled = client.call_async("s", "echo", one(3));
  cancelled.cancel();
  { auto dropped = client.call_async("s", "echo", one(4)); }
  auto last = client.call_async("s", "echo", one(5));
  cr_assert_eq(sent.wait()->code(), "connection_lost");
  daemon.start();
  cr_assert_eq(last.wait()->value().json(), "[5]");
  cr_assert_eq(first.wait()->value().json(), "[2]");
  cr_assert_eq(cancelled.wait()->code(), "cancelled");
  daemon.stop();
  cr_assert_eq(seen, "\x91\x00\x91\x01\x91\x02\x91\x05"s);
}

Test(client, what_was_not_sent_is_sent_from_the_event_loop_too) {
  FakeDaemon daemon(ordinary);
  Client client = connect(daemon, 5s);
  auto sent = client.call_async("s", "never");
  cr_assert_not(sent.wait(50ms));
  daemon.stop();
  std::string result;
  client.call_async("s", "echo", one(6), {}, [&](Reply reply) { result = reply.value().json(); });
  // Another thread than the loop's finds that the connection is lost.
  cr_assert_eq(sent.wait()->code(), "connection_lost");
  daemon.start();
  cr_assert(dispatch_until(client, [&] { return !result.empty(); }));
  cr_assert_eq(result, "[6]");
}

Test(client, what_was_not_sent_fails_when_no_daemon_comes_back) {
  FakeDaemon daemon(ordinary);
  Client client = connect(daemon, 200ms);
  auto sent = client.call_async("s", "never");
  cr_assert_not(sent.wait(50ms));
  daemon.stop();
  auto held = client.call_async("s", "echo");
  cr_assert_eq(held.wait()->code(), "unreachable");
  cr_assert_eq(sent.wait()->code(), "connection_lost");
}

Test(client, a_request_of_which_a_part_was_sent_is_not_sent_again) {
  std::atomic<bool> full = false;
  // Takes nothing while it has a request, so that the socket fills up.
  FakeDaemon daemon([&](FakeDaemon &, const FakeDaemon::Message &) {
    while (!full)
      std::this_thread::sleep_for(1ms);
    return false;
  });
  Client client = connect(daemon, 5s);
  client.set_limits(256, 32'000'000);
  auto sent = client.call_async("s", "never");
  std::string text;
  text.resize(20'000'000, 'x');
  auto cut = client.call_async("s", "echo", std::move(Builder().array(1).string(text)));
  full = true;
  cr_assert_eq(cut.wait()->code(), "unreachable");
  cr_assert_eq(sent.wait()->code(), "connection_lost");
  cr_assert_eq(daemon.connections(), 1);
}

Test(client, what_is_given_up_before_it_is_sent_never_is) {
  std::string seen;
  FakeDaemon daemon([&](FakeDaemon &self, const FakeDaemon::Message &message) {
    if (message.kind == 0)
      seen += call_of(message).second;
    return ordinary(self, message);
  });
  Client client = connect(daemon, 5s);
  client.set_limits(1, 1000);
  auto sent = client.call_async("s", "never", one(1));
  auto waiting = client.call_async("s", "echo", one(2), timeout(20ms));
  cr_assert_eq(waiting.wait()->code(), "timed_out");
  auto cancelled = client.call_async("s", "echo", one(3));
  cancelled.cancel();
  cr_assert_eq(cancelled.wait()->code(), "cancelled");
  daemon.stop();
  cr_assert_eq(sent.wait()->code(), "connection_lost");
  cr_assert_eq(client.call("s", "echo", one(4), timeout(20ms)).code(), "timed_out");
  daemon.start();
  cr_assert(client.call("s", "echo", one(5)));
  daemon.stop();
  cr_assert_eq(seen, "\x91\x01\x91\x05"s);
}

Test(client, more_than_may_be_in_flight_wait_for_their_turn) {
  std::vector<uint32_t> held;
  size_t most = 0, answered = 0;
  FakeDaemon daemon([&](FakeDaemon &self, const FakeDaemon::Message &message) {
    held.push_back(message.id);
    most = std::max(most, held.size());
    if (held.size() < 3 && answered + held.size() < 100)
      return true;
    answered += held.size();
    for (const uint32_t id : held)
      self.result(id, std::string(1, static_cast<char>(id)));
    held.clear();
    return true;
  });
  Client client = connect(daemon);
  client.set_limits(3, 1000);
  uint32_t last = 0;
  for (int i = 0; i < 99; ++i)
    client.call_async("s", "f", {}, {}, [&](Reply reply) {
      cr_assert_eq(reply.value().int64(), ++last, "in order");
    });
  auto waited_for = client.call_async("s", "f");
  cr_assert(dispatch_until(client, [&] { return last == 99; }));
  cr_assert_eq(waited_for.wait()->value().int64(), 100);
  cr_assert_eq(most, 3);
}

Test(client, a_request_that_is_too_large_is_refused_before_it_is_sent) {
  FakeDaemon daemon(ordinary);
  Client client = connect(daemon);
  auto other = client.call_async("s", "never");
  const std::string bytes(17'000'000, 'x');
  cr_assert_eq(client.call("s", "echo", Builder().array(1).string(bytes)).code(), "too_large");
  cr_assert(client.call("s", "echo"));
  cr_assert_not(other.wait(0ms), "nothing happened to it");
}

Test(client, a_copy_in_a_forked_process_does_not_keep_a_closed_connection_open) {
  FakeDaemon daemon(ordinary); // serves one connection at a time
  auto client = std::make_unique<Client>(connect(daemon));
  cr_assert(client->call("s", "echo"));
  const pid_t child = ::fork();
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  client.reset();
  cr_assert(connect(daemon).call("s", "echo"));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

Test(client, a_request_waits_for_the_daemon_to_come_back_but_not_for_ever) {
  FakeDaemon daemon(ordinary);
  Client client = connect(daemon, 300ms);
  daemon.stop();
  std::this_thread::sleep_for(20ms);
  auto begin = Clock::now();
  cr_assert_eq(client.call("s", "echo").code(), "unreachable");
  cr_assert(Clock::now() - begin >= 250ms && Clock::now() - begin < 2s);
  bool completed = false;
  client.call_async("s", "echo", {}, {}, [&](Reply reply) {
    completed = true;
    cr_assert_eq(reply.code(), "unreachable");
  });
  cr_assert(dispatch_until(client, [&] { return completed; }));
  auto held = client.call_async("s", "echo", one(1));
  daemon.start();
  cr_assert_eq(held.wait()->value().json(), "[1]");
}

Test(client, without_a_daemon_connecting_fails_at_once_or_after_its_limit) {
  auto begin = Clock::now();
  auto client = Client::connect("/tmp/there-is-no-lethe.sock");
  cr_assert_not(client);
  cr_assert_eq(client.error().code(), "unreachable");
  cr_assert(client.error().message().find("/tmp/there-is-no-lethe.sock") != std::string::npos);
  cr_assert(Clock::now() - begin < 100ms);
  begin = Clock::now();
  cr_assert_not(Client::connect("/tmp/there-is-no-lethe.sock", 100ms));
  cr_assert(Clock::now() - begin >= 100ms && Clock::now() - begin < 1s);
  cr_assert_not(Client::connect(std::string(200, 'x'), 10s), "too long for a socket");
}

Test(client, console_and_figures_come_before_the_reply) {
  FakeDaemon daemon([](FakeDaemon &self, const FakeDaemon::Message &message) {
    const std::string id(1, static_cast<char>(message.id));
    self.send("\x93\x02\xa7"
              "console\x93" +
              id + "\xa3log\xa2hi" + "\x93\x02\xa5stats\x92" + id + "\x81\xa6run_us\x09");
    self.result(message.id, "\xc3");
    return true;
  });
  Client client = connect(daemon);
  std::string seen;
  client.on_console([&](uint32_t, std::string_view level, std::string_view text) {
    seen += std::string(level) + ":" + std::string(text) + " ";
  });
  client.on_stats([&](uint32_t, lethe::Value figures) { seen += figures.json() + " "; });
  cr_assert(client.call("s", "f"));
  cr_assert_eq(seen, R"(log:hi {"run_us":9} )");
  client.call_async("s", "f", {}, {}, [&](Reply) { seen += "done"; });
  cr_assert(dispatch_until(client, [&] { return seen.ends_with("done"); }));
  cr_assert_eq(seen, R"(log:hi {"run_us":9} log:hi {"run_us":9} done)");
}

namespace {

// A script that calls the function `name` of its caller and returns, or throws, what comes back.
FakeDaemon::Answer calls_back(const std::string &name) {
  return
      [name, request = uint32_t{0}](FakeDaemon &self, const FakeDaemon::Message &message) mutable {
        if (message.kind == 1) {
          Reader reader(message.body);
          const std::string error(*reader.take_raw());
          self.respond(request, error, *reader.take_raw());
          return true;
        }
        if (call_of(message).first == "echo")
          return ordinary(self, message);
        request = message.id;
        std::string call = "\x94";
        call += '\0';
        call += "\x2a\xa9host.call\x93";
        call += static_cast<char>(message.id);
        call += static_cast<char>(0xa0 + name.size());
        self.send(call + name + call_of(message).second);
        return true;
      };
}

} // namespace

Test(client, host_calls_are_answered_by_their_handler) {
  FakeDaemon daemon(calls_back("double"));
  Client client = connect(daemon);
  client.on_host_call("double", [&](lethe::HostCall call) {
    // A handler may use the client itself.
    const Reply echoed = client.call("s", "echo", call.arguments());
    std::move(call).reply(Builder().integer(2 * *echoed.value()[size_t{0}].int64()));
  });
  cr_assert_eq(client.call("s", "f", one(21)).value().int64(), 42);
  client.on_host_call("double", [](lethe::HostCall call) { std::move(call).fail("no", "way"); });
  cr_assert_eq(client.call("s", "f", one(1)).code(), "no");
  client.on_host_call("double", [](lethe::HostCall) {});
  cr_assert_eq(client.call("s", "f", one(1)).code(), "internal", "a dropped call fails");
}

Test(client, host_calls_may_be_answered_later_by_another_thread) {
  FakeDaemon daemon(calls_back("later"));
  Client client = connect(daemon);
  std::thread answering;
  client.on_host_call("later", [&](lethe::HostCall call) {
    answering = std::thread([call = std::move(call)]() mutable {
      std::this_thread::sleep_for(20ms);
      std::move(call).reply(Builder().integer(7));
    });
  });
  cr_assert_eq(client.call("s", "f").value().int64(), 7);
  answering.join();
}

Test(client, a_host_call_is_not_answered_with_what_is_not_one_value) {
  FakeDaemon daemon(calls_back("cut"));
  Client client = connect(daemon);
  client.on_host_call("cut", [](lethe::HostCall call) {
    const std::string_view cut = "\x92\x01";
    std::move(call).reply(lethe_value{cut.data(), cut.size()});
  });
  cr_assert_eq(client.call("s", "f").code(), "invalid_value");
  cr_assert(client.call("s", "echo"), "the connection is still good");
}

Test(client, a_host_call_without_handler_gets_an_error) {
  FakeDaemon daemon(calls_back("unknown"));
  Client client = connect(daemon);
  cr_assert_eq(client.call("s", "f").code(), "not_found");
}

Test(client, what_is_not_the_protocol_ends_the_connection) {
  for (const std::string &bytes :
       {std::string("\xc1"), std::string("\x01"), std::string("\x94\x01\xc0\xc0\xc0"),
        std::string("\x93\x07\x01\x02"), std::string(3000, '\x91')}) {
    FakeDaemon daemon([&](FakeDaemon &self, const FakeDaemon::Message &) {
      self.send(bytes);
      return true;
    });
    Client client = connect(daemon);
    cr_assert_eq(client.call("s", "f", {}, timeout(5s)).code(), "connection_lost");
  }
}

Test(client, large_messages_pass_in_both_directions) {
  FakeDaemon daemon(ordinary);
  Client client = connect(daemon);
  client.set_limits(256, 32'000'000);
  std::string text;
  text.resize(20'000'000, 'x');
  const Builder arguments = std::move(Builder().array(1).string(text));
  const Reply reply = client.call("s", "echo", arguments);
  cr_assert(reply);
  cr_assert(*reply.value()[size_t{0}].bytes() == text);
}

Test(client, closing_completes_what_is_in_flight) {
  FakeDaemon daemon(ordinary);
  std::string code;
  {
    Client client = connect(daemon);
    client.call_async("s", "never", {}, {}, [&](Reply reply) { code = reply.code(); });
  }
  cr_assert_eq(code, "cancelled");
}
