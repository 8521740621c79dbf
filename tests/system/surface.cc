// SPDX-License-Identifier: Apache-2.0
// How much of JavaScript a pool's scripts have, by its settings.
#include "tests/harness/daemon.h"

#include <algorithm>
#include <criterion/criterion.h>
#include <fstream>

using namespace lethe::test;

TestSuite(surface, .timeout = 60);

namespace {

constexpr const char *every_isolation[] = {"rewind", "process", "reuse"};

std::string setting(const std::string &name, const std::string &value) {
  return "pool.default." + name + "=" + value;
}

// The error that an expression throws, or "none".
json thrown_by(Client &client, const std::string &expression) {
  return client.eval("try { " + expression + "; 'none' } catch (error) { error.name }");
}

// Uses each global name, so that each group of the prelude is run, and some of what looks at many
// kinds of values.
constexpr const char *uses_everything = R"(
function use() {
  for (const name of Object.getOwnPropertyNames(globalThis)) globalThis[name];
  const value = { a: [1, new Map([[1, new Date(0)]])], b: new Uint8Array(3), c: new ArrayBuffer(2) };
  console.log('%o', structuredClone(value), new Error('x'), function f() {});
  return [new TextDecoder().decode(new TextEncoder().encode('ä')), btoa('x'), new URL('http://a/b').host,
          crypto.randomUUID().length, Buffer.from('abc').toString('hex')];
})";

void expect_everything_works(Client &client) {
  client.put("everything", uses_everything, {{"node_globals", true}});
  expect_equal(client.call("everything", "use"), json({"ä", "eA==", "a", 36, "616263"}));
  client.result("script.delete", {"everything"});
}

// An 8 byte header, and a memory of one shared page that is exported as "m".
constexpr const char *shared_memory_module = "new WebAssembly.Module(new Uint8Array([0, 97, 115, "
                                             "109, 1, 0, 0, 0, 5, 4, 1, 3, 1, 1, 7, 5, 1, "
                                             "1, 109, 2, 0]))";

// Of a worker: its lines of /proc/PID/maps that are executable, and neither of a program's file nor
// of a library's copy. An image is in a memfd.
std::string made_code(pid_t pid) {
  std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
  std::string found;
  for (std::string line; std::getline(maps, line);) {
    const size_t path = line.find_first_of("/[");
    const std::string file = path == line.npos ? "" : line.substr(path);
    const bool is_given = file.starts_with("[v") || file.starts_with("/memfd:lethe-libraries") ||
                          (file.starts_with("/") && !file.starts_with("/memfd:"));
    if (line.find("xp ") != line.npos && !is_given)
      found += line + "\n";
  }
  return found;
}

} // namespace

Test(surface, without_code_from_strings_scripts_make_none) {
  for (const char *isolation : every_isolation) {
    Daemon daemon({setting("isolation", isolation), setting("code_from_strings", "false")});
    Client client = daemon.connect();
    for (const char *attempt :
         {"eval('1')", "(0, eval)('1')", "new Function('return 1')", "Function('1')",
          "(async () => {}).constructor('1')", "(function* () {}).constructor('1')",
          "(async function* () {}).constructor('1')",
          "Reflect.construct(Function, ['1'], class {})", "[].map.constructor('1')"})
      expect_equal(thrown_by(client, attempt), "EvalError");
    expect_equal(thrown_by(client, "setTimeout('1')"), "TypeError");
    // In the world of a script, too, at its top level and in a call.
    client.put("s", "let name = 'none'; try { eval('1') } catch (error) { name = error.name }\n"
                    "function atTop() { return name }\nfunction inCall() { return eval('1') }");
    expect_equal(client.call("s", "atTop"), "EvalError");
    expect_members(client.error("call", {"s", "inCall", json::array(), nullptr}),
                   {{"code", "script_error"}});
    client.put("m", "export function f() { return new Function('return 1')() }",
               {{"module", true}});
    expect_contains(client.error("call", {"m", "f", json::array(), nullptr})["message"],
                    "code_from_strings = false");
    expect_everything_works(client);
  }
}

Test(surface, without_wasm_there_is_no_way_to_it) {
  for (const char *isolation : every_isolation) {
    Daemon daemon({setting("isolation", isolation), setting("wasm", "false")});
    Client client = daemon.connect();
    expect_equal(client.eval("typeof WebAssembly"), "undefined");
    expect_equal(client.eval("'WebAssembly' in globalThis"), false);
    client.put("s", "const had = typeof WebAssembly; function f() { return had + typeof "
                    "WebAssembly }");
    expect_equal(client.call("s", "f"), "undefinedundefined");
    expect_everything_works(client);
  }
}

Test(surface, without_shared_memory_no_shared_buffer_is_reached) {
  for (const char *isolation : every_isolation) {
    Daemon daemon({setting("isolation", isolation), setting("shared_memory", "false")});
    Client client = daemon.connect();
    expect_equal(client.eval("typeof SharedArrayBuffer"), "undefined");
    for (const std::string attempt :
         {"new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true }).buffer",
          "Reflect.get(new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true }), 'buffer')",
          "Object.getOwnPropertyDescriptor(WebAssembly.Memory.prototype, 'buffer').get.call(new "
          "WebAssembly.Memory({ initial: 1, maximum: 2, shared: true }))"})
      expect_equal(thrown_by(client, attempt), "TypeError");
    expect_equal(thrown_by(client, "new WebAssembly.Instance(" + std::string(shared_memory_module) +
                                       ").exports.m.buffer"),
                 "TypeError");
    // Its own memories are as they were.
    expect_equal(client.eval("const m = new WebAssembly.Memory({ initial: 1 }); m.grow(1); "
                             "m.buffer.byteLength"),
                 2 * 65536);
    expect_everything_works(client);
  }
  // The attempts are good ones.
  Daemon daemon;
  expect_equal(daemon.connect().eval("new WebAssembly.Instance(" +
                                     std::string(shared_memory_module) +
                                     ").exports.m.buffer instanceof SharedArrayBuffer"),
               true);
}

// Which loads the script again, and fails here if its world has more.
Test(surface, holds_in_a_worker_that_debugs) {
  Daemon daemon({setting("wasm", "false"), setting("shared_memory", "false"),
                 setting("code_from_strings", "false")});
  Client client = daemon.connect();
  client.put("s", "function f() {\n"
                  "  try { eval('1') } catch { return typeof WebAssembly === 'undefined' && typeof "
                  "SharedArrayBuffer === 'undefined' || missing }\n"
                  "  missing\n}");
  const json profile = client.result("profile", {"s", "f", json::array(), {{"for_ms", 100}}});
  expect(profile["runs"] > 0, shown(profile));
}

Test(surface, a_jitless_pool_makes_no_machine_code_and_can_make_none) {
  for (const char *isolation : every_isolation) {
    Daemon daemon({setting("isolation", isolation), setting("jitless", "true"),
                   setting("workers", "1"), setting("spares", "1"), "sandbox=required"});
    Client client = daemon.connect();
    expect_equal(client.eval("typeof WebAssembly"), "undefined");
    client.put("s", "function f(n) { let sum = 0; for (let i = 0; i < n; ++i) sum = (sum + i) % 7; "
                    "return sum }\nfunction g(s) { return /^(a+)+b$/.test(s) }");
    expect_equal(client.call("s", "f", {300'000}), 0);
    expect_equal(client.call("s", "g", {"aaaab"}), true);
    expect_everything_works(client);
    const std::vector<std::string> layers =
        client.result("stats", json::array())["pools"]["default"]["sandbox"];
    expect(std::ranges::find(layers, "no_executable_memory") != layers.end(), "no such layer");
    for (const pid_t worker : daemon.idle_workers())
      expect_equal(made_code(worker), "");
  }
  // The look is a good one: with a compiler there is something.
  Daemon daemon({setting("workers", "1")});
  daemon.connect().eval("let sum = 0; for (let i = 0; i < 1e6; ++i) sum += i % 7; sum");
  for (const pid_t worker : daemon.idle_workers())
    expect(!made_code(worker).empty(), "no code");
}

// A clock that a script reads again and again: how many different readings there are, in
// microseconds.
constexpr const char *readings = R"(
function distinct(read) {
  const seen = new Set();
  const end = Date.now() + 20;
  while (Date.now() < end) seen.add(read());
  return [...seen].sort((a, b) => a - b);
}
function finest(read) {
  const seen = distinct(read);
  let least = Infinity;
  for (let i = 1; i < seen.length; ++i) least = Math.min(least, seen[i] - seen[i - 1]);
  return Math.round(least * 1000);
}
function all() {
  const [seconds, ns] = process.hrtime();
  return {
    performance: finest(() => performance.now()),
    event: finest(() => new Event('x').timeStamp),
    mark: finest(() => performance.mark('x').startTime),
    hrtime: finest(() => Number(process.hrtime.bigint()) / 1e6),
    uptime: finest(() => process.uptime() * 1000),
    began: performance.now() >= 0 && seconds === 0 && ns >= 0,
  };
})";

Test(surface, coarse_clocks_have_no_finer_reading_than_a_tenth_of_a_millisecond) {
  for (const auto &[isolation, choice, is_coarse] : {std::tuple{"process", "auto", true},
                                                     {"rewind", "on", true},
                                                     {"reuse", "on", true},
                                                     {"rewind", "auto", false},
                                                     {"process", "off", false}}) {
    Daemon daemon({setting("isolation", isolation), setting("coarse_clocks", choice)});
    Client client = daemon.connect();
    client.put("clocks", readings, {{"node_globals", true}});
    const json steps = client.call("clocks", "all");
    expect_equal(steps["began"], true);
    for (const char *clock : {"performance", "event", "mark", "hrtime", "uptime"})
      if (is_coarse)
        expect(steps[clock] >= 99, std::string(clock) + " " + shown(steps));
      else
        expect(steps[clock] < 90, std::string(clock) + " " + shown(steps));
  }
}
