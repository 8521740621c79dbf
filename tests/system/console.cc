// SPDX-License-Identifier: Apache-2.0
// What scripts write to their console: as Node.js formats it, whatever a script does to the
// built-ins, to the client or to the log, and within limits.
#include "tests/harness/daemon.h"

#include <array>
#include <criterion/criterion.h>
#include <regex>

using namespace lethe::test;

TestSuite(console, .timeout = 120);

namespace {

// [level, text] of each notification.
json output_of(Client &client, const std::string &source, Where where = Where::here()) {
  client.notifications.clear();
  client.eval(source, {{"console", true}, {"deadline_ms", 30'000}}, where);
  json lines = json::array();
  for (const Notification &notification : client.notifications)
    lines.push_back({notification.params[1], notification.params[2]});
  return lines;
}

using Lines = std::vector<std::array<std::string, 2>>;

void expect_output(Client &client, const std::string &source, const Lines &wanted,
                   Where where = Where::here()) {
  expect_equal(output_of(client, source, where), json(wanted), where);
}

} // namespace

Test(console, prints_what_nodejs_prints) {
  Daemon daemon({"pool.default.console_bytes=1000000", "pool.default.console_lines=100000"});
  Client client = daemon.connect();
  const json recorded =
      json::parse(read_file(source_folder() / "tests" / "system" / "console" / "recorded.json"));
  expect(recorded.size() > 700, "the corpus is small");
  // Newer than the Node.js that recorded it, V8 makes `stack` an accessor.
  const bool is_accessor =
      client.eval("'get' in Object.getOwnPropertyDescriptor(new Error(), 'stack')");
  const auto wanted_of = [&](const std::string &text) {
    static const std::regex stack_value(R"(\[stack\]: '[^']*')");
    return is_accessor ? std::regex_replace(text, stack_value, "[stack]: [Getter/Setter]") : text;
  };
  std::string differences;
  constexpr size_t batch = 100;
  for (size_t first = 0; first < recorded.size(); first += batch) {
    const size_t end = std::min(first + batch, recorded.size());
    // Indirect eval: the expressions see no names of ours.
    std::string source;
    for (size_t i = first; i < end; ++i)
      source += "(0, eval)(" + recorded[i][0].dump() + ");\n";
    const json lines = output_of(client, source);
    expect_equal(lines.size(), end - first);
    for (size_t i = first; i < end; ++i) {
      const json wanted = wanted_of(recorded[i][1]);
      if (lines[i - first] != json{"log", wanted})
        differences += "\n" + recorded[i][0].get<std::string>() + "\n  wanted " + shown(wanted) +
                       "\n  got    " + shown(lines[i - first]);
    }
  }
  expect(differences.empty(), differences);
}

Test(console, levels_and_methods) {
  Daemon daemon;
  Client client = daemon.connect();
  expect_output(client, R"(
      console.log('l'); console.info('i'); console.warn('w'); console.error('e'); console.debug('d');
      console.dirxml([1], 2);
      console.assert(true, 'fine'); console.assert(false); console.assert(0, 'x %d', 1); console.assert(null, {a: 1});
      console.count(); console.count(); console.count('b'); console.countReset(); console.count(); console.countReset('c');
      const { log } = console; log('unbound'))",
                {{"log", "l"},
                 {"info", "i"},
                 {"warn", "w"},
                 {"error", "e"},
                 {"debug", "d"},
                 {"log", "[ 1 ] 2"},
                 {"error", "Assertion failed"},
                 {"error", "Assertion failed: x 1"},
                 {"error", "Assertion failed { a: 1 }"},
                 {"info", "default: 1"},
                 {"info", "default: 2"},
                 {"info", "b: 1"},
                 {"info", "default: 1"},
                 {"warn", "Warning: Count for 'c' does not exist"},
                 {"log", "unbound"}});
}

Test(console, groups_indent_every_line) {
  Daemon daemon;
  Client client = daemon.connect();
  expect_output(client, R"(
      console.group('outer'); console.log('a\nb'); console.groupCollapsed(); console.warn({x: 'y'.repeat(70), z: 1});
      console.groupEnd(); console.info('c'); console.groupEnd(); console.groupEnd(); console.log('d'))",
                {{"log", "outer"},
                 {"log", "  a\n  b"},
                 {"warn", "    {\n      x: '" + std::string(70, 'y') + "',\n      z: 1\n    }"},
                 {"info", "  c"},
                 {"log", "d"}});
}

Test(console, time) {
  Daemon daemon;
  Client client = daemon.connect();
  const json lines = output_of(client, R"(
      console.time(); console.time('t'); console.time('t'); console.timeLog('t', {a: 1}, 'x');
      const end = Date.now() + 5; while (Date.now() < end);
      console.timeEnd('t'); console.timeEnd('t'); console.timeEnd())");
  expect_equal(lines.size(), 5);
  expect_equal(lines[0], {"warn", "Warning: Label 't' already exists for console.time()"});
  expect_contains(lines[1][1], "ms { a: 1 } x");
  expect_equal(lines[2][0], "info");
  expect(std::stod(lines[2][1].get<std::string>().substr(3)) >= 4, shown(lines[2]));
  expect_equal(lines[3], {"warn", "Warning: No such label 't' for console.timeEnd()"});
  expect_contains(lines[4][1], "default: ");
}

Test(console, table) {
  Daemon daemon;
  Client client = daemon.connect();
  expect_output(client, R"(
      console.table([{a: 1, b: 'x'}, {a: 2, c: {d: 1}}]); console.table([[1, 2], [3]], ['1']);
      console.table(new Map([['k', 1]])); console.table(new Set(['日本'])); console.table(['p', {q: 1}]); console.table(5))",
                {{"log", "┌─────────┬───┬─────┬──────────┐\n"
                         "│ (index) │ a │ b   │ c        │\n"
                         "├─────────┼───┼─────┼──────────┤\n"
                         "│ 0       │ 1 │ 'x' │          │\n"
                         "│ 1       │ 2 │     │ { d: 1 } │\n"
                         "└─────────┴───┴─────┴──────────┘"},
                 {"log", "┌─────────┬───┐\n"
                         "│ (index) │ 1 │\n"
                         "├─────────┼───┤\n"
                         "│ 0       │ 2 │\n"
                         "│ 1       │   │\n"
                         "└─────────┴───┘"},
                 {"log", "┌───────────────────┬─────┬────────┐\n"
                         "│ (iteration index) │ Key │ Values │\n"
                         "├───────────────────┼─────┼────────┤\n"
                         "│ 0                 │ 'k' │ 1      │\n"
                         "└───────────────────┴─────┴────────┘"},
                 {"log", "┌───────────────────┬────────┐\n"
                         "│ (iteration index) │ Values │\n"
                         "├───────────────────┼────────┤\n"
                         "│ 0                 │ '日本' │\n"
                         "└───────────────────┴────────┘"},
                 {"log", "┌─────────┬───┬────────┐\n"
                         "│ (index) │ q │ Values │\n"
                         "├─────────┼───┼────────┤\n"
                         "│ 0       │   │ 'p'    │\n"
                         "│ 1       │ 1 │        │\n"
                         "└─────────┴───┴────────┘"},
                 {"log", "5"}});
}

Test(console, trace_has_the_stack_of_its_caller) {
  Daemon daemon;
  Client client = daemon.connect();
  expect_output(client, "function inner() {\n console.trace('at %s', 'here');\n}\ninner()",
                {{"trace", "Trace: at here\n    at inner (eval:2:10)\n    at eval:4:1"}});
}

Test(console, errors_show_stack_cause_and_properties_without_frames_of_the_prelude) {
  Daemon daemon;
  Client client = daemon.connect();
  const json lines = output_of(client, R"(
class MyError extends Error {}
const cause = new TypeError('inner');
console.log(Object.assign(new MyError('outer', { cause }), { code: 'E1' }));
try { new Event(); } catch (error) { console.log(error); })");
  expect_equal(lines[0][1], "MyError: outer\n    at eval:4:27 {\n  code: 'E1',\n  [cause]: "
                            "TypeError: inner\n      at eval:3:15\n}");
  expect_contains(lines[1][1], "TypeError: ");
  expect_contains(lines[1][1], "at eval:5:7");
  expect(lines[1][1].get<std::string>().find("lethe:") == std::string::npos, shown(lines[1]));
}

Test(console, prints_in_a_polluted_world) {
  Daemon daemon;
  Client client = daemon.connect();
  const std::string wanted = "{ a: [ 1, 'x' ], m: Map(1) { 'k' => Set(0) {} } } n";
  for (const std::string pollution :
       {"", "Array.prototype[Symbol.iterator] = () => { throw 1; }",
        "Object.defineProperty(Array.prototype, 0, {set() { throw 2; }, get() { return 'evil'; }})",
        "const pairs = []; for (const {prototype: p} of [Array, String, Map, Set, Date, RegExp, "
        "Function, Object, Number, Symbol])"
        " for (const k of Reflect.ownKeys(p)) if (k !== 'constructor') pairs.push([p, k]);"
        " const n = pairs.length; for (let i = 0; i < n; ++i) try { pairs[i][0][pairs[i][1]] = () "
        "=> { throw 3; }; } catch {}",
        "Object.defineProperty(Object.prototype, 'get', {value: () => 'evil', writable: true});"
        " Object.prototype.value = 'evil'; Object.prototype.set = () => {}",
        "for (const k of ['Array', 'Object', 'String', 'Map', 'Set', 'Error', 'Reflect', 'JSON', "
        "'Math', 'Symbol', 'Promise', 'Number'])"
        " globalThis[k] = undefined",
        "Function.prototype.call = Function.prototype.apply = Function.prototype.bind = () => "
        "'evil'",
        "Object.prototype.depth = 0; Object.prototype.showHidden = true; "
        "Object.prototype.maxArrayLength = 0"}) {
    const json lines =
        output_of(client, "const m = new Map([['k', new Set()]]); const data = {a: [1, 'x'], m}; " +
                              pollution + "; console.log('%o'[0] === '%' ? data : 0, 'n'); 0");
    expect(lines == json(Lines{{"log", wanted}}), pollution + ": " + shown(lines));
  }
}

Test(console, a_getter_or_a_hook_that_throws_is_the_scripts_error) {
  Daemon daemon;
  Client client = daemon.connect();
  expect_equal(client.eval_error("console.log({[Symbol.for('nodejs.util.inspect.custom')]() { "
                                 "throw new RangeError('mine'); }})")["name"],
               "RangeError");
  expect_output(client, "console.log(new Proxy({}, new Proxy({}, {get() { throw 1; }})))",
                {{"log", "{}"}});
}

Test(console, its_members_are_as_the_standard_has_them) {
  Daemon daemon;
  Client client = daemon.connect();
  const std::string methods =
      "assert,clear,count,countReset,debug,dir,dirxml,error,group,groupCollapsed,groupEnd,"
      "info,log,table,time,timeEnd,timeLog,trace,warn";
  expect_equal(
      client.eval(R"(
      const own = Object.getOwnPropertyDescriptor(globalThis, 'console');
      const log = Object.getOwnPropertyDescriptor(console, 'log');
      [own.enumerable, own.writable, own.configurable, log.enumerable, log.writable, log.configurable, console.log.name, console.log.length,
       Object.prototype.toString.call(console), Object.getPrototypeOf(Object.getPrototypeOf(console)) === Object.prototype,
       Reflect.ownKeys(Object.getPrototypeOf(console)).length, Object.keys(console).sort().join()])"),
      {false, true, true, true, true, true, "log", 0, "[object console]", true, 0, methods});
}

Test(console, too_many_lines_are_cut_and_it_says_so) {
  Daemon daemon({"pool.default.console_lines=5"});
  Client client = daemon.connect();
  for (int turn = 0; turn < 2; ++turn) {
    const json lines = output_of(client, "for (let i = 0; i < 100; ++i) console.log(i)");
    expect_equal(lines.size(), 6);
    expect_equal(lines[4], {"log", "4"});
    expect_equal(lines[5][0], "warn");
    expect_contains(lines[5][1], "left out (more than 5 lines or 65536 bytes)");
  }
  expect_equal(output_of(client, "console.log('1\\n2\\n3\\n4\\n5\\n6\\n7'); console.log(8)")[0],
               {"log", "1\n2\n3\n4\n5"});
  expect_equal(output_of(client, "for (let i = 0; i < 5; ++i) console.log(i)").size(), 5);
}

Test(console, too_many_bytes_are_cut_between_characters_and_it_says_so) {
  Daemon daemon({"pool.default.console_bytes=10"});
  Client client = daemon.connect();
  json lines = output_of(client, "console.log('äöüäöü'); console.log('more')");
  expect_equal(lines.size(), 2);
  expect_equal(lines[0], {"log", "äöüäö"});
  expect_contains(lines[1][1], "left out (more than 1000 lines or 10 bytes)");
  lines = output_of(client, "console.log('aäöüäöü')");
  expect_equal(lines[0], {"log", "aäöüä"});
  expect_equal(output_of(client, "console.log('0123456789')").size(), 1);
}

Test(console, a_long_message_is_cut_between_characters_and_the_next_ones_are_written) {
  Daemon daemon({"pool.default.console_message_bytes=10", "pool.default.console_bytes=33"});
  Client client = daemon.connect();
  const json lines = output_of(client, "console.log('äöüäöü'); console.warn('aäöüäöü');"
                                       "console.log('0123456789'); console.log('äöüäöü');");
  expect_equal(lines.size(), 5);
  expect_equal(lines[0], {"log", "äöüäö ... 2 more bytes"});
  expect_equal(lines[1], {"warn", "aäöüä ... 4 more bytes"});
  expect_equal(lines[2], {"log", "0123456789"});
  expect_equal(lines[3], {"log", "äö"});
  expect_contains(lines[4][1], "left out (more than 1000 lines or 33 bytes)");
}

Test(console, none_if_the_limit_is_none) {
  Daemon daemon({"pool.default.console_lines=0"});
  Client client = daemon.connect();
  expect_equal(output_of(client, "console.log('unheard'); 1"), json::array());
}

Test(console, lines_in_the_log_have_script_and_trace) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put(
      "s", "function f() { console.warn('first\\n2026-01-01 00:00:00.000 error forged\\u0007'); }");
  client.call("s", "f", json::array(), {{"trace", "order-4711"}});
  expect(daemon.logs("console.warn s:f trace order-4711: first\n"), daemon.log());
  expect(daemon.logs("console.warn s:f trace order-4711: 2026-01-01 00:00:00.000 error forged \n"),
         daemon.log());
}
