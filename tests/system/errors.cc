// SPDX-License-Identifier: Apache-2.0
// client/PROTOCOL.md, table of errors: one test for each row.
#include "tests/harness/daemon.h"

#include <criterion/criterion.h>
#include <csignal>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace lethe::test;

TestSuite(errors, .timeout = 60);

Test(errors, script_error) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("acme/s",
             "function f() {\n  return g();\n}\nfunction g() {\n  throw new TypeError('no');\n}\n"
             "function value() { throw {reason: 5}; }\n"
             "async function rejected() { throw new RangeError('later'); }");
  const json thrown = client.error("call", {"acme/s", "f", json::array()});
  expect_members(thrown, {{"code", "script_error"}, {"name", "TypeError"}});
  expect_contains(thrown["message"], "no");
  expect_members(thrown, {{"script", "acme/s"}, {"line", 5}, {"column", 3}});
  expect_contains(thrown["stack"], "acme/s:2");
  expect_equal(client.error("call", {"acme/s", "value", json::array()})["value"], {{"reason", 5}});
  const json rejected = client.error("call", {"acme/s", "rejected", json::array()});
  expect_members(rejected, {{"code", "script_error"}, {"name", "RangeError"}});
}

// V8 has it from 11.2 on.
Test(errors, flag_v_of_a_regular_expression_is_there_or_the_error_says_what_to_do) {
  Daemon daemon;
  Client client = daemon.connect();
  const std::string v8 = client.result("ping", json::array())["v8"];
  if (std::stoi(v8) >= 11) {
    expect_equal(client.eval("'x5y'.replace(/[\\w--\\d]/gv, '') + new RegExp('\\\\d', 'v').flags"),
                 "5v");
    return;
  }
  const std::string advice =
      "(V8 " + v8 + " does not have the flag v: compile it away when you bundle the script)";
  for (const char *source : {"/[a--b]/v", "new RegExp('a', 'gv')", "eval('/a/v')"})
    expect_contains(client.eval_error(source)["message"], advice);
  expect_contains(client.error("script.put", {"s", "const r = /\\p{L}/v;"})["message"], advice);
  // What a script catches is V8's own.
  expect_equal(client.eval("try { RegExp('a', 'v'); } catch (error) { error.message; }"),
               "Invalid flags supplied to RegExp constructor 'v'");
}

Test(errors, compile_error) {
  Daemon daemon;
  Client client = daemon.connect();
  const json error = client.error("script.put", {"s", "var ok = 1;\nvar 2bad = 3;\n"});
  expect_members(error, {{"code", "compile_error"}, {"script", "s"}, {"line", 2}});
  expect(error["column"].is_number(), shown(error));
  expect_equal(error["source_line"], "var 2bad = 3;");
  expect_equal(client.eval_error("let let")["code"], "compile_error");
  expect_equal(client.result("script.list", json::array()), json::array());
}

Test(errors, deadline_exceeded) {
  Daemon daemon(
      {"pool.default.workers=1", "pool.default.spares=0", "pool.default.load_deadline_ms=1000"});
  Client client = daemon.connect();
  client.put("s", "function looping() { while (1); }");
  const uint32_t running =
      client.start("call", {"s", "looping", json::array(), {{"deadline_ms", 300}}});
  const uint32_t queued = client.start("eval", {"1", {{"deadline_ms", 100}}});
  const json in_queue = client.wait(queued).error();
  expect_members(in_queue,
                 {{"code", "deadline_exceeded"}, {"phase", "queued"}, {"limit", "deadline"}});
  const json in_script = client.wait(running).error();
  expect_members(in_script, {{"phase", "running"}, {"limit", "deadline"}});
  expect_contains(in_script["stack"], "looping");
  const json at_load = client.error("script.put", {"loop", "while (1);"});
  expect_members(at_load, {{"code", "deadline_exceeded"}, {"phase", "loading"}});
}

Test(errors, memory_limit) {
  Daemon daemon({"pool.default.memory_mb=40"});
  const json error =
      daemon.connect().eval_error("const kept = []; while (1) kept.push({a: kept.length});");
  expect_members(error, {{"code", "memory_limit"}, {"limit_mb", 40}});
}

Test(errors, worker_crashed) {
  Daemon daemon({"pool.default.workers=1"});
  Client client = daemon.connect();
  client.on_host_call = [&](uint32_t, const std::string &, const json &) {
    for (const pid_t pid : daemon.workers())
      ::kill(pid, SIGSEGV);
    return nullptr;
  };
  const json error = client.eval_error("host.call('kill me').then(() => { while (1); })");
  expect_members(error, {{"code", "worker_crashed"}, {"signal", SIGSEGV}});
  expect_equal(client.eval("1"), 1);
}

// What the daemon itself has to say of it, too.
Test(errors, of_a_chain_say_what_happened_in_which_step) {
  Daemon daemon({"pool.default.workers=1"});
  Client client = daemon.connect();
  client.put("s", "function f(x) { return x; }"
                  "async function g() { await host.call('end me'); while (1); }");
  client.on_host_call = [&](uint32_t, const std::string &, const json &) {
    for (const pid_t pid : daemon.workers())
      ::kill(pid, SIGKILL);
    return nullptr;
  };
  const json first = {"s", "f"}, second = {"s", "g"};
  const json error = client.error("chain", {json::array({first, second}), 1});
  expect_members(error, {{"code", "worker_crashed"}, {"signal", SIGKILL}, {"step", 1}});
  expect_contains(error["message"], "Killed");
}

Test(errors, quarantined) {
  Daemon daemon({"pool.default.workers=1", "quarantine_faults=1"});
  Client client = daemon.connect();
  client.put("s", "async function f() { await host.call('end me'); while (1); }");
  client.on_host_call = [&](uint32_t, const std::string &, const json &) {
    for (const pid_t pid : daemon.workers())
      ::kill(pid, SIGSEGV);
    return nullptr;
  };
  expect_equal(client.error("call", {"s", "f", json::array()})["code"], "worker_crashed");
  const json error = client.error("call", {"s", "f", json::array()});
  expect_members(error, {{"code", "quarantined"}, {"kind", "script"}, {"name", "s"}});
  expect_contains(error["message"], "1 workers that ran it ended by a fault within 10 minutes");
}

Test(errors, sandbox_violation) {
  // The fault points of daemon/worker/memory: a forbidden system call in place of the request.
  for (const auto &[fault, call] :
       {std::pair{"sandbox", SYS_socket}, std::pair{"sandbox.close", SYS_close},
        std::pair{"sandbox.timer", SYS_timer_create}}) {
    Daemon daemon(DaemonOptions{.environment = {std::string("LETHE_FAULT=") + fault}});
    expect_members(daemon.connect().eval_error("1"),
                   {{"code", "sandbox_violation"}, {"syscall", call}});
  }
}

Test(errors, invalid_value) {
  Daemon daemon;
  Client client = daemon.connect();
  json error = client.eval_error("({a: [0, {b: 2n ** 64n}]})");
  expect_members(error, {{"code", "invalid_value"}, {"path", "$.a[1].b"}});
  error = client.eval_error("const o = {}; o.self = {o}; o");
  expect_equal(error["code"], "invalid_value");
  expect_contains(error["path"], "$.self");
}

Test(errors, not_found) {
  Daemon daemon;
  Client client = daemon.connect();
  json error = client.error("call", {"none", "f", json::array()});
  expect_members(error, {{"code", "not_found"}, {"kind", "script"}, {"name", "none"}});
  client.put("s", "function f() {} var notFunction = 1;");
  error = client.error("call", {"s", "g", json::array()});
  expect_members(error, {{"kind", "function"}, {"name", "g"}});
  expect_contains(error["message"], "f"); // says what there is
  expect_equal(client.error("call", {"s", "notFunction", json::array()})["kind"], "function");
}

Test(errors, not_found_is_what_the_script_has_not_made) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("s", "function real() { return 1; }");
  for (const std::string name : {"toString", "constructor", "eval", "Function", "structuredClone",
                                 "isPrototypeOf", "__defineGetter__", "fetch", "Array"})
    expect_members(client.error("call", {"s", name, json::array()}),
                   {{"code", "not_found"}, {"kind", "function"}, {"name", name}});
  // Of the same name as what was there.
  client.put("own", "function toString() { return 2; } function fetch() { return 3; }"
                    "const atob = () => 4; globalThis.structuredClone = () => 5;"
                    "globalThis.parse = JSON.parse;");
  expect_equal(client.call("own", "toString"), 2);
  expect_equal(client.call("own", "fetch"), 3);
  expect_equal(client.call("own", "atob"), 4);
  expect_equal(client.call("own", "structuredClone"), 5);
  expect_equal(client.call("own", "parse", {"[6]"}), json::array({6}));
  expect_equal(client.error("call", {"own", "btoa", json::array()})["code"], "not_found");
}

Test(errors, overloaded) {
  Daemon daemon({"pool.default.workers=1", "pool.default.spares=0", "pool.default.queue=2",
                 "max_in_flight=10", "max_connections=2"});
  Client client = daemon.connect(), second = daemon.connect();
  client.result("ping", json::array());
  second.result("pause", {"default"});
  for (int i = 0; i < 2; ++i)
    client.start("eval", {"1"});
  json error = client.eval_error("1");
  expect_members(error, {{"code", "overloaded"}, {"limit", "queue"}});
  expect(error["retry_after_ms"].is_number(), shown(error));

  Client third = daemon.connect();
  error = third.error("ping", json::array());
  expect_members(error, {{"code", "overloaded"}, {"limit", "connections"}});
}

Test(errors, overloaded_in_flight) {
  Daemon daemon({"max_in_flight=3"});
  Client client = daemon.connect();
  client.result("pause", {"default"});
  for (int i = 0; i < 3; ++i)
    client.start("eval", {"1"});
  const json error = client.eval_error("1");
  expect_members(error, {{"code", "overloaded"}, {"limit", "in_flight"}});
}

Test(errors, too_large) {
  Daemon daemon({"max_message_bytes=100000"});
  Client client = daemon.connect();
  json error = client.eval_error("'x'.repeat(200000)");
  expect_members(error, {{"code", "too_large"}, {"limit_bytes", 100'000}});
  expect_equal(client.eval("'x'.repeat(1000).length"), 1000);
  error = client.eval_error("/*" + std::string(200'000, 'x') + "*/");
  expect_equal(error["code"], "too_large");
  expect(client.closes(), "the connection stays open");
}

Test(errors, forbidden) {
  if (::getuid() != 0)
    cr_skip_test("needs root to become another user");
  Daemon daemon({"socket_mode=\"0666\""});
  std::filesystem::permissions(daemon.folder().path(), std::filesystem::perms(0755));
  expect(::seteuid(65534) == 0, "seteuid");
  Client client = daemon.connect();
  expect(::seteuid(0) == 0, "seteuid");
  const json error = client.error("reload", json::array());
  expect_members(error, {{"code", "forbidden"}, {"method", "reload"}});
}

Test(errors, cancelled) {
  Daemon daemon;
  Client client = daemon.connect();
  const uint32_t msgid = client.start("eval", {"while (1);"});
  client.notify("cancel", {msgid});
  expect_equal(client.wait(msgid).error()["code"], "cancelled");
}

Test(errors, shutting_down) {
  Daemon daemon;
  Client client = daemon.connect();
  const uint32_t running =
      client.start("eval", {"const end = Date.now() + 500; while (Date.now() < end); 'finished'"});
  client.result("ping", json::array());
  daemon.process().signal(SIGTERM);
  expect(daemon.process().wait(milliseconds(0)) < 0, "it did not wait for the running request");
  json error;
  while (error.is_null()) { // until the signal has arrived
    const Reply reply = client.request("eval", {"1"});
    if (reply.failed())
      error = reply.error();
  }
  expect_equal(error["code"], "shutting_down");
  expect_equal(client.wait(running).result(), "finished");
  expect_equal(daemon.process().wait(), 0);
  daemon.start();
}

Test(errors, invalid_request) {
  Daemon daemon;
  Client client = daemon.connect();
  expect_equal(client.error("eval", {42})["code"], "invalid_request");
  expect_equal(client.error("call", {"script only"})["code"], "invalid_request");
  expect_equal(client.error("eval", {"1", {1, 2}})["code"], "invalid_request");
  expect_equal(client.error("chain", {"no list", 1})["code"], "invalid_request");
  expect_equal(client.eval("1"), 1);
}

Test(errors, unknown_method) {
  Daemon daemon;
  Client client = daemon.connect();
  const json error = client.error("script.run", json::array());
  expect_equal(error["code"], "unknown_method");
  expect_contains(error["message"], "script.run");
  expect_equal(client.eval("1"), 1);
}

Test(errors, internal) {
  // A script can't be stored: nobody's fault but the machine's. A limit on the size of the master's
  // files stands for the full disk.
  Daemon daemon(DaemonOptions{.before_exec = [] { ::signal(SIGXFSZ, SIG_IGN); }});
  const rlimit most{200'000, 200'000};
  expect(::prlimit(daemon.pid(), RLIMIT_FSIZE, &most, nullptr) == 0, "prlimit");
  Client client = daemon.connect();
  const json error = client.error("script.put", {"s", "//" + std::string(300'000, 'x')});
  expect_equal(error["code"], "internal");
  expect_equal(client.result("script.list", json::array()), json::array());
  client.put("s", "function f() {}");
}
