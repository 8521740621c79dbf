// SPDX-License-Identifier: Apache-2.0
// What clients send that lack a type of MessagePack, or count and word things their own way.
#include "tests/harness/daemon.h"

#include <criterion/criterion.h>
#include <set>
#include <unistd.h>

using namespace lethe::test;
using namespace std::string_view_literals;
using namespace std::string_literals;

TestSuite(other_clients, .timeout = 60);

namespace {

json bytes_of(const std::string &text) {
  return json::binary(std::vector<uint8_t>(text.begin(), text.end()));
}

} // namespace

Test(other_clients, an_empty_array_stands_for_an_empty_map) {
  const Daemon daemon;
  Client client = daemon.connect();
  const json none = json::array();
  expect_equal(client.result("eval", {"1 + 1", none}), 2);
  expect_equal(client.result("eval", {"1 + 1", {{"globals", none}}}), 2);
  client.result("script.put", {"s", "function f() { return 3; }", none});
  expect_equal(client.result("script.get", {"s"})["options"], json::object());
  expect_equal(client.result("call", {"s", "f", none, none}), 3);
  expect_equal(client.result("script.list", json::array({none})).size(), 1);
  expect_equal(client.error("eval", {"1", json::array({1})})["code"], "invalid_request");
  expect_equal(client.error("eval", {"1", {{"globals", {1}}}})["code"], "invalid_request");
}

Test(other_clients, zero_and_one_stand_for_booleans) {
  const Daemon daemon;
  Client client = daemon.connect();
  client.put("s", "export const f = () => typeof process;", {{"module", 1}, {"node_globals", 1}});
  expect_equal(client.call("s", "f"), "object");
  client.put("t", "function f() { return typeof process; }", {{"module", 0}});
  expect_equal(client.call("t", "f"), "undefined");
  client.result("eval", {"console.log('heard')", {{"console", 1}}});
  expect_equal(client.notifications.size(), 1);
  client.result("eval", {"console.log('not heard')", {{"console", 0}}});
  expect_equal(client.notifications.size(), 1);
  for (const json &value : {json(2), json(-1), json(1.0), json("1")})
    expect_contains(client.error("eval", {"1", {{"console", value}}})["message"],
                    "console must be true or false");
}

Test(other_clients, bytes_stand_for_texts) {
  const Daemon daemon;
  Client client = daemon.connect();
  client.result("script.put",
                {bytes_of("s"),
                 bytes_of("function f(x) { return x; }"),
                 {{"pool", bytes_of("default")}, {"isolation", bytes_of("process")}}});
  expect_equal(client.result("call", {bytes_of("s"), bytes_of("f"), {1}}), 1);
  expect_equal(client.error("eval", {"1", {{"pool", bytes_of("none")}}})["code"], "not_found");

  // [0, 77, "eval", ["ünicode", {"globals": {b"ünicode": 7}}]]: json has no such keys.
  client.send("\x94\x00\x4d\xa4"
              "eval\x92\xa8\xc3\xbcnicode\x81\xa7"
              "globals\x81\xc4\x08\xc3\xbcnicode\x07"sv);
  expect_equal(client.wait(77).result(), 7);
}

// A Date has whole milliseconds: what is less is dropped, before 1970 as after it.
Test(other_clients, a_time_is_rounded_down) {
  const Daemon daemon;
  Client client = daemon.connect();
  const auto milliseconds = [&client](std::string_view nanoseconds_and_seconds) {
    // [0, 78, "eval", ["+date", {"globals": {"date": a timestamp of 12 bytes}}]]
    client.send("\x94\x00\x4e\xa4"
                "eval\x92\xa5+date\x81\xa7"
                "globals\x81\xa4"
                "date\xc7\x0c\xff"s +
                std::string(nanoseconds_and_seconds));
    return client.wait(78).result();
  };
  expect_equal(milliseconds("\x3b\x9a\xc9\xff\xff\xff\xff\xff\xff\xff\xff\xff"sv), -1);
  expect_equal(milliseconds("\x00\x00\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff"sv), -1000);
  expect_equal(milliseconds("\x00\x0f\x42\x3f\x00\x00\x00\x00\x00\x00\x00\x00"sv), 0);
  expect_equal(milliseconds("\x00\x0f\x42\x40\x00\x00\x00\x00\x00\x00\x00\x00"sv), 1);
}

Test(other_clients, a_host_calls_error_has_its_text_whatever_it_is) {
  const Daemon daemon;
  Client client = daemon.connect();
  client.put("s", "async function f() { try { return await host.call('x'); } catch (error) {"
                  "return [error instanceof Error, error.message, { ...error }]; } }");
  const auto answered = [&client](const json &error) {
    client.on_host_call = [&error](uint32_t, const std::string &, const json &) -> json {
      throw HostError{error};
    };
    return client.call("s", "f");
  };
  const json none = json::object();
  expect_equal(answered("no such user"), {true, "no such user", none});
  expect_equal(answered(json::array({0, "no such user"})), {true, "no such user", none});
  expect_equal(answered(bytes_of("no süch user")), {true, "no süch user", none});
  expect_equal(answered({{"message", bytes_of("gone")}, {"code", 7}}),
               {true, "gone", {{"code", 7}}});
  expect_equal(answered({{"code", 7}}), {true, "the client answered with an error", {{"code", 7}}});
  expect_equal(answered(json::array({1, 2})), {true, "1,2", none});
}

// Some have one table for their own requests and those that they are to answer.
Test(other_clients, a_host_calls_id_is_none_of_the_clients_own) {
  const Daemon daemon;
  Client client = daemon.connect();
  client.put("s", "async function f() { for (let i = 0; i < 3; ++i) await host.call('x', i); }");
  client.on_host_call = [](uint32_t, const std::string &, const json &) { return nullptr; };
  client.call("s", "f");
  client.call("s", "f");
  const std::set<uint32_t> ids(client.host_call_ids.begin(), client.host_call_ids.end());
  expect_equal(ids.size(), 6);
  expect(*ids.begin() >= 1u << 30 && *ids.rbegin() < 1u << 31, std::to_string(*ids.begin()));
}

// As Neovim's clients read them.
Test(other_clients, errors_are_pairs_where_the_client_wants_them) {
  const Daemon daemon;
  Client client = daemon.connect();
  client.put("s", "function f() { throw new TypeError('bo\u00f6m'); }");
  const uint32_t running = client.start("eval", {"for (;;);"});
  client.result("hello", {{{"errors", "pair"}}});
  const auto pair = [](const std::string &text) { return json::array({0, text}); };
  const auto error = [&client](const std::string &method, const json &params) {
    return client.request(method, params).error();
  };
  expect_equal(error("call", {"s", "f", json::array()}), pair("script_error: boöm"));
  expect_equal(
      error("call", {"s", "g"}),
      pair("invalid_request: the params of call are [script, function, [arg, ...], options]"));
  const json steps = json::array({json::array({"s", "f"})});
  expect_equal(error("chain", {steps, 0}), pair("script_error: boöm"));
  expect_contains(error("nothing", json::array())[1], "unknown_method: ");
  client.notify("cancel", {running});
  expect_equal(client.wait(running).error(), pair("cancelled: cancelled by its client"));
}

// pynvim, ruby-neovim and npm's neovim connect with this, and look for what they read in it.
Test(other_clients, clients_of_neovim_are_answered) {
  const Daemon daemon;
  daemon.connect();
  Client client = daemon.connect();
  const json answer = client.result("nvim_get_api_info", json::array());
  expect_equal(answer.size(), 2);
  expect_equal(answer[0], 2); // the second connection
  expect_members(answer[1], {{"functions", json::array()}});
  expect(answer[1]["version"]["api_level"].is_number(), shown(answer));
  json ids;
  for (const char *type : {"Buffer", "Window", "Tabpage"})
    ids.push_back(answer[1]["types"][type]["id"]);
  expect_equal(ids, {0, 1, 2});
  expect_equal(client.request("eval", {"throw new Error('boom')"}).error(),
               json::array({0, "script_error: boom"}));
  expect_equal(client.result("hello", json::array())["errors"], "map"); // and back
}

Test(other_clients, errors_are_texts_where_the_client_wants_them) {
  const Daemon daemon;
  Client client = daemon.connect();
  client.result("hello", {{{"errors", "text"}}});
  expect_equal(client.request("eval", {"throw new Error('boom')"}).error(), "script_error: boom");
  const json in_time = {{"deadline_ms", 20}};
  expect_contains(client.request("eval", {"for (;;);", in_time}).error(), "deadline_exceeded: ");
}

// A script's 1 comes as 1.0, so that a reader that asks for a double finds one; a BigInt stays an int.
Test(other_clients, numbers_are_floats_where_the_client_wants_them) {
  const Daemon daemon;
  Client client = daemon.connect();
  client.put("s", "const f = (x) => [x, typeof x];"
                  "async function g() { return await host.call('twice', 3); }"
                  "function h() { throw { retries: 3 }; }");
  const auto is_float = [](const json &value) { return value.is_number_float(); };
  expect(!is_float(client.eval("1")), "a whole number is an int");
  client.result("hello", {{{"numbers", "float"}}});
  expect(is_float(client.eval("1")), "an int");
  expect(is_float(client.eval("-(2 ** 40)")), "an int");
  expect(is_float(client.eval("Object(1)")), "an int");
  expect(is_float(client.eval("({ a: [1, 2] })")["a"][1]), "an int");
  expect(!is_float(client.eval("1n")), "a BigInt is no float");
  const json passed = client.call("s", "f", {5});
  expect_equal(passed, {5, "number"});
  expect(is_float(passed[0]), "an int");
  expect_equal(client.result("chain", {R"([["s", "f"], ["s", "f"]])"_json, 5}),
               R"([[5, "number"], "object"])"_json);
  expect(is_float(client.error("call", {"s", "h", json::array()})["value"]["retries"]), "an int");
  expect(!is_float(client.result("ping", json::array())["pid"]), "the daemon's own are ints");
  client.on_host_call = [&](uint32_t, const std::string &, const json &arguments) {
    expect(is_float(arguments[0]), "an int");
    return json(6);
  };
  expect(is_float(client.call("s", "g")), "an int");
  client.result("hello", json::array());
  expect(!is_float(client.call("s", "f", {5})[0]), "a worker keeps it for others");
}

Test(other_clients, a_client_without_host_functions_is_not_asked) {
  const Daemon daemon;
  Client client = daemon.connect();
  client.put("s", "async function f() { try { return await host.call('find'); } catch (error) {"
                  "return [error instanceof Error, error.message, error.code]; } }");
  client.on_host_call = [](uint32_t, const std::string &, const json &) { return "asked"; };
  expect_equal(client.call("s", "f"), "asked");
  client.result("hello", {{{"host_calls", false}}});
  expect_equal(client.call("s", "f"),
               {true, R"(the caller has no host function "find")", "not_found"});
  expect_equal(client.host_call_ids.size(), 1);
  client.result("hello", {{{"host_calls", true}}});
  expect_equal(client.call("s", "f"), "asked");
}

// Binary data of languages that have one type for both would be destroyed else.
Test(other_clients, a_str_that_is_not_utf8_is_refused) {
  const Daemon daemon;
  Client client = daemon.connect();
  client.put("s", "const f = (x) => x; async function g() { try { return await host.call('x'); }"
                  "catch (error) { return error.message; } }");
  // [0, 79, method, params]
  const auto refused = [&client](const std::string &method, const std::string &params,
                                 const std::string &path, Where where = Where::here()) {
    client.send("\x94\x00\x4f"s + to_bytes(method) + params);
    const json error = client.wait(79).error();
    expect_members(error, {{"code", "invalid_value"}, {"path", path}}, where);
    expect_contains(error["message"], "bytes are sent as bin", where);
  };
  const std::string broken = "\xa2\xff\xfe", s = to_bytes("s"), f = to_bytes("f");
  refused("call", "\x93" + s + f + "\x91\x81\xa4name" + broken, "$[0].name");
  refused("call", "\x93" + s + f + "\x91\x81" + broken + "\x01", "$[0]");
  refused("eval", "\x92" + s + "\x81\xa7globals\x81\xa4" + "data" + broken, "$.data");
  refused("eval", "\x92" + s + "\x81\xa7globals\x81" + broken + "\x01", "$");
  refused("chain", "\x92\x91\x92" + s + f + broken, "$[0]");
  refused("chain", "\x92\x91\x92" + s + broken + "\x01", "params[0][0][1]");
  refused("call", "\x93" + broken + f + "\x90", "params[0]");
  refused("call", "\x93" + s + broken + "\x90", "params[1]");
  refused("eval", "\x91" + broken, "params[0]");
  refused("eval", "\x92" + s + "\x81\xa5trace" + broken, "options.trace");
  refused("script.put", "\x92" + s + broken, "params[1]");
  refused("script.put", "\x92" + broken + s, "params[0]");
  refused("script.put_many", "\x91\x91\x92" + s + broken, "params[0][0][1]");
  refused("script.get", "\x91" + broken, "params[0]");
  refused("pause", "\x91" + broken, "params[0]");
  refused("hello",
          "\x91\x81\xa6"
          "client" +
              broken,
          "options.client");

  // The answer to a host call.
  const uint32_t running = client.start("call", {"s", "g", json::array()});
  const std::string request = client.receive().value();
  client.send("\x94\x01"s + request.substr(2, 5) + "\xc0\x81\xa1k" + broken);
  expect_equal(client.wait(running).result(),
               "the client's answer: a str is not UTF-8: bytes are sent as bin (at $.k)");
}

namespace {

// The last message to a connection that the daemon closes for these bytes.
std::string last_word(Client &client, std::string_view bytes) {
  client.send(bytes);
  const auto message = client.receive();
  expect(message && client.closes(), "the connection stays open");
  return *message;
}

} // namespace

Test(other_clients, who_is_closed_for_what_it_sent_hears_why) {
  const Daemon daemon;
  const auto hears = [&daemon](std::string_view bytes, const std::string &why,
                               Where where = Where::here()) {
    Client client = daemon.connect();
    const json notification = json::from_msgpack(last_word(client, bytes));
    expect_equal(notification[0], 2, where);
    expect_equal(notification[1], "closed", where);
    expect_equal(notification[2][0], "invalid_request", where);
    expect_contains(notification[2][1], why, where);
    expect(daemon.logs(" of user " + std::to_string(::getuid()) +
                       " is closed for what it sent, at byte 0: the message is not " + why),
           "no line for " + why, where);
  };
  hears("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "MessagePack-RPC: HTTP was sent");
  hears("{\"method\": \"ping\"}", "MessagePack-RPC: JSON was sent");
  hears("\x84\xa4type\x00\xa5msgid\x01\xa6method\xa4ping\xa6params\x90"sv,
        "MessagePack-RPC: it is a map, not the array [0, msgid, method, params]");
  hears("\x93\x02\xc0\x90"sv, "MessagePack-RPC: its method is nil, not a str");
  hears("\xc1", "MessagePack");
}

// With its msgid as it has sent it, it finds its request.
Test(other_clients, a_msgid_that_is_no_number_is_answered) {
  const Daemon daemon;
  Client client = daemon.connect();
  const std::string reply = last_word(client, "\x94\x00\xa1"
                                              "7\xa4ping\x90"sv);
  expect_equal(reply.substr(0, 4), "\x94\x01\xa1"
                                   "7");
  expect_contains(reply, "its msgid is a str, not an integer");
}

Test(other_clients, what_is_in_flight_hears_why_the_connection_closes) {
  const Daemon daemon;
  Client client = daemon.connect();
  client.result("hello", {{{"client", "acme\n1.0 \u001b[31m"}}});
  const uint32_t running = client.start("eval", {"host.call('wait')"});
  const uint32_t waiting = client.start("eval", {"for (;;);"});
  client.receive(); // the host call
  client.send(to_bytes({0, 9, "ping", json::array()}));
  client.wait(9);
  client.send("\x80");
  for (const uint32_t msgid : {running, waiting}) {
    const json error = client.wait(msgid).error();
    expect_equal(error["code"], "cancelled");
    expect_contains(error["message"],
                    "the connection is closed: the message is not MessagePack-RPC: it is a map");
  }
  expect(!client.receive(), "more is told");
  const json sent = {{0, 1, "hello", {{{"client", "acme\n1.0 \u001b[31m"}}}},
                     {0, running, "eval", {"host.call('wait')"}},
                     {0, waiting, "eval", {"for (;;);"}},
                     {0, 9, "ping", json::array()}};
  size_t bytes = 0;
  for (const json &message : sent)
    bytes += to_bytes(message).size();
  expect(daemon.logs("at byte " + std::to_string(bytes) +
                     ": the message is not MessagePack-RPC: it "
                     "is a map, not the array [0, msgid, method, params]; client acme 1.0  [31m\n"),
         daemon.log());
}

// msgpackr's, without useRecords: false.
Test(other_clients, records_of_msgpackr_are_named) {
  const Daemon daemon;
  Client client = daemon.connect();
  client.put("s", "const f = () => host.call('wait');");
  // call s f [{ a: 1 }]
  client.send("\x94\x00\x4d\xa4"
              "call\x93\xa1s\xa1"
              "f\x91\xd4\x72\x40\x91\xa1"
              "a\x01"sv);
  expect_contains(client.wait(77).error()["message"], "new Packr({useRecords: false})");
  expect(client.closes(), "the connection stays open");
  // eval "1" { console: true }
  Client other = daemon.connect();
  other.send("\x94\x00\x4d\xa4"
             "eval\x92\xa1"
             "1\xd4\x72\x40\x91\xa7"
             "console\xc3"sv);
  expect_contains(other.wait(77).error()["message"], "new Packr({useRecords: false})");
  expect(other.closes(), "the connection stays open");
}

Test(other_clients, the_log_has_so_many_lines_of_who_is_closed) {
  const Daemon daemon;
  const std::string line = "is closed for what it sent";
  const auto begin = Clock::now();
  const int connections = 300;
  for (int i = 0; i < connections; ++i) {
    Client client = daemon.connect();
    last_word(client, "\x80");
  }
  const int seconds = static_cast<int>(milliseconds_since(begin) / 1000) + 2;
  int lines = 0;
  const std::string log = daemon.log();
  for (size_t at = 0; (at = log.find(line, at)) != log.npos; ++at)
    ++lines;
  expect(lines >= 10 && lines <= 10 * seconds, std::to_string(lines) + " lines");
  expect_equal(daemon.connect().result("stats", json::array())["connections_broken"], connections);
  while (daemon.log().find("lines like this are left out") == std::string::npos) {
    Client client = daemon.connect();
    last_word(client, "\x80");
    expect(milliseconds_since(begin) < static_cast<double>(patience.count()), "no line says it");
  }
}
