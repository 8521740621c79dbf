// SPDX-License-Identifier: Apache-2.0
// Errors that tell: causes, lists of errors, own properties, stacks without what is none of a
// script's, mapped places.
#include "ipc/utf8.h"
#include "tests/harness/daemon.h"

#include <criterion/criterion.h>

using namespace lethe::test;

TestSuite(error_details, .timeout = 60);

namespace {

const std::string inline_map =
    "\n//# sourceMappingURL=data:application/json;base64,"
    // {"version":3,"sources":["typed.ts"],"names":[],"mappings":"AAUA"}
    "eyJ2ZXJzaW9uIjozLCJzb3VyY2VzIjpbInR5cGVkLnRzIl0sIm5hbWVzIjpbXSwibWFw"
    "cGluZ3MiOiJBQVVBIn0=";
const std::string escaped_map = inline_map.substr(0, inline_map.size() - 1) + "%3D";

} // namespace

Test(error_details, the_cause_chain) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("acme/s",
             "function inner() { throw Object.assign(new RangeError('inner'), {code: 7}); }\n"
             "function middle() { try { inner(); } catch (cause) {"
             " throw new TypeError('middle', {cause}); } }\n"
             "function outer() { try { middle(); } catch (cause) {"
             " throw new Error('outer', {cause}); } }\n"
             "function value() { throw new Error('x', {cause: {reason: [1]}}); }\n"
             "function cycle() { const e = new Error('again'); e.cause = e; throw e; }");
  const json error = client.error("call", {"acme/s", "outer", json::array()});
  expect_equal(error["message"], "outer");
  const json &middle = error["cause"], &inner = middle["cause"];
  expect_members(middle, {{"name", "TypeError"}, {"message", "middle"}, {"line", 2}});
  expect_members(inner, {{"name", "RangeError"}, {"script", "acme/s"}});
  expect_contains(inner["stack"], "at inner (acme/s:1");
  expect_equal(inner["value"], {{"code", 7}});
  expect(!inner.contains("cause"), shown(inner));
  expect_equal(client.error("call", {"acme/s", "value", json::array()})["cause"],
               R"({"reason": [1]})"_json);
  expect_equal(client.error("call", {"acme/s", "cycle", json::array()})["cause"]["message"],
               "again");
}

Test(error_details, the_errors_of_an_aggregate) {
  Daemon daemon;
  Client client = daemon.connect();
  const json error = client.eval_error(
      "Promise.any([Promise.reject(new RangeError('one', {cause: 1})), Promise.reject('two')])");
  expect_equal(error["name"], "AggregateError");
  expect_equal(error["errors"][0]["name"], "RangeError");
  expect_equal(error["errors"][0]["message"], "one");
  expect_equal(error["errors"][0]["cause"], 1);
  expect_equal(error["errors"][1], "two");
  // Bounded, however many there are.
  expect_equal(client
                   .eval_error("const e = () => new AggregateError([], 'many');"
                               "const all = e(); all.errors = Array.from({length: 10000}, e);"
                               "throw all;")["errors"]
                   .size(),
               100);
}

Test(error_details, own_properties_and_classes) {
  Daemon daemon;
  Client client = daemon.connect();
  const json error = client.eval_error("class Denied extends Error { name = 'Denied'; status = 403;"
                                       "get secret() { return 1; } } throw new Denied('no');");
  expect_members(
      error,
      {{"name", "Denied"}, {"message", "no"}, {"value", {{"name", "Denied"}, {"status", 403}}}});
  for (const auto &[thrown, value] :
       std::vector<std::pair<std::string, json>>{{"5", 5},
                                                 {"'text'", "text"},
                                                 {"null", nullptr},
                                                 {"[1, {a: 2}]", R"([1, {"a": 2}])"_json}}) {
    const json plain = client.eval_error("throw " + thrown);
    expect_members(plain, {{"code", "script_error"}, {"value", value}, {"line", 1}});
  }
}

Test(error_details, what_cannot_be_sent_does_not_take_the_rest_along) {
  Daemon daemon;
  Client client = daemon.connect();
  const std::string failure = "const e = Object.assign(new Error('bad gateway'),"
                              " {code: 'E_HTTP', status: 502});";
  const json value = {{"code", "E_HTTP"}, {"status", 502}};
  for (const std::string part : {"e.request = {}; e.request.response = {request: e.request};",
                                 "e.self = e;", "e.id = 2n ** 80n;", "e.retryAt = new Date(NaN);",
                                 "Object.defineProperty(e, 'bad', {enumerable: true,"
                                 " get() { throw 1; }});"})
    expect_equal(client.eval_error(failure + part + "throw e;")["value"], value);
  const std::string cyclic = "const o = {code: 'E_HTTP', status: 502}; o.self = o;";
  expect_equal(client.eval_error(cyclic + "throw o;")["value"], value);
  expect_equal(client.eval_error(cyclic + "throw new Error('x', {cause: o});")["cause"], value);
  expect(!client.eval_error("const o = {}; o.self = o; throw o;").contains("value"),
         "a value of nothing");
  expect_equal(client.eval_error(failure + "Object.defineProperty(e, 'bad', {enumerable: true,"
                                           " get() { for (;;); }}); throw e;",
                                 {{"deadline_ms", 200}})["code"],
               "deadline_exceeded");
}

Test(error_details, texts_are_cut_between_characters) {
  Daemon daemon;
  Client client = daemon.connect();
  const auto expect_text = [](const json &text, size_t bytes) {
    const auto content = text.get<std::string>();
    expect(lethe::is_utf8(content), "a text ends in a character");
    expect_equal(content.size(), bytes);
  };
  const std::string wide = "'x'.repeat(65533) + '\\u{1D7D8}'.repeat(9)";
  json error = client.eval_error("throw Object.assign(new Error(" + wide + "), {name: " + wide +
                                 ", stack: " + wide + "})");
  for (const std::string key : {"message", "name", "stack"})
    expect_text(error[key], 65533);
  expect_text(client.eval_error("throw " + wide)["message"], 65533);
  error = client.eval_error("/*" + std::string(297, 'a') + "\U0001D7D8 */ var 1x;");
  expect_text(error["source_line"], 299);
}

Test(error_details, an_error_event_has_the_place_of_the_throw) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("acme/s", R"js(function place(act) {
  return new Promise((resolve) => {
    addEventListener('error', (event) => { event.preventDefault(); resolve([event.message, event.filename, event.lineno, event.colno]); });
    addEventListener('x', () => { throw new RangeError('listener'); });
    act();
  });
}
const made = () => new SyntaxError('made');
const timer = () => place(() => setTimeout(() => { throw new TypeError('timer'); }, 1));
const value = () => place(() => setTimeout(() => { throw 5; }, 1));
const microtask = () => place(() => queueMicrotask(() => { throw new Error('microtask'); }));
const listener = () => place(() => dispatchEvent(new Event('x')));
const reported = () => place(() => reportError(made()));
const nothing = () => place(() => reportError('text'));
)js");
  const auto expect_place = [&](const std::string &function, const json &place,
                                Where where = Where::here()) {
    expect_equal(client.call("acme/s", function, json::array(), json::object(), where), place,
                 where);
  };
  expect_place("timer", {"Uncaught TypeError: timer", "acme/s", 9, 52});
  expect_place("value", {"Uncaught 5", "acme/s", 10, 52});
  expect_place("microtask", {"Uncaught Error: microtask", "acme/s", 11, 60});
  expect_place("listener", {"Uncaught RangeError: listener", "acme/s", 4, 41});
  expect_place("reported", {"Uncaught SyntaxError: made", "acme/s", 8, 20});
  expect_place("nothing", {"Uncaught text", "", 0, 0});
}

Test(error_details, an_instance_of_a_class_that_is_no_error_has_its_name) {
  Daemon daemon;
  Client client = daemon.connect();
  expect_members(client.eval_error("function Failed(text) { this.message = text; }"
                                   "throw new Failed('wanted 1')"),
                 {{"name", "Failed"}, {"message", "wanted 1"}});
  expect_members(client.eval_error("throw new (class Stop {})()"),
                 {{"name", "Stop"}, {"message", "Stop"}});
  expect_members(client.eval_error("throw new (class Stop { name = 'mine' })()"),
                 {{"name", "mine"}});
  for (const std::string nameless : {"({a: 1})", "[1]", "Object.create(null)", "5"})
    expect(!client.eval_error("throw " + nameless).contains("name"), nameless);
}

Test(error_details, getters_and_proxies_do_no_harm) {
  Daemon daemon;
  Client client = daemon.connect();
  for (const std::string hostile :
       {"Object.defineProperty(new Error('x'), 'cause', {get() { throw 1; }})",
        "Object.defineProperty(new Error('x'), 'stack', {get() { throw 1; }})",
        "(() => { const e = new Error('x'); Object.defineProperty(e, 'cause', {get() {"
        "return Object.defineProperty(new Error('x'), 'cause',"
        "Object.getOwnPropertyDescriptor(e, 'cause')); }}); return e; })()",
        "new Proxy(new Error('x'), {get() { throw 1; }})",
        "new Proxy({}, {get() {}, getPrototypeOf() { throw 1; }})",
        "({get constructor() { throw 1; }, get [Symbol.toStringTag]() { throw 1; }})",
        "(() => { Error.prepareStackTrace = () => { throw 1; }; return new Error('x'); })()",
        "(() => { Error.prepareStackTrace = () => 5; return new Error('x'); })()",
        "(() => { Array.prototype.push = Array.prototype.map = null;"
        "Error.prototype.toString = () => { throw 1; }; return new Error('x'); })()"})
    expect_equal(client.eval_error("throw " + hostile)["code"], "script_error");
  expect_equal(client.eval_error("throw Object.defineProperty(new Error('x'), 'cause', {get() {"
                                 "for (;;); }})",
                                 {{"deadline_ms", 200}})["code"],
               "deadline_exceeded");
  // While an error's stack is being made.
  for (const std::string at : {"Error.prepareStackTrace = () => { for (;;); };",
                               "Object.defineProperty(Error, 'prepareStackTrace',"
                               " {get() { for (;;); }});"})
    for (const std::string use : {"throw new Error('x')", "try { new Error('x').stack; } catch {}"})
      expect_equal(client.eval_error(at + use, {{"deadline_ms", 200}})["code"],
                   "deadline_exceeded");
  for (const std::string at : {"getFileName = () => { throw 1; }", "toString = null",
                               "toString = () => { throw 1; }", "getFileName = 5"}) {
    const json error = client.eval_error("Error.prepareStackTrace = (e, sites) => {"
                                         "Object.getPrototypeOf(sites[0])." +
                                         at +
                                         "; };"
                                         "new Error('x').stack; Error.prepareStackTrace = null;"
                                         "throw new Error('after')");
    expect_equal(error["message"], "after");
  }
  expect_equal(client.eval("Error.prepareStackTrace = () => { throw 'mine'; };"
                           "try { new Error('x').stack; } catch (e) { e; }"),
               "mine");
}

Test(error_details, stacks_have_no_frames_of_the_prelude) {
  Daemon daemon;
  Client client = daemon.connect();
  // One through the prelude: the callback is called by code of ours, and host.call is such.
  client.put(
      "s",
      "function through() { try { setTimeout('x'); } catch (e) { return e.stack; } }\n"
      "function sites() { Error.prepareStackTrace = (e, sites) => sites.map("
      "(site) => site.getFileName() + ':' + site.getLineNumber() + ':' + site.getFunctionName());"
      " try { host.call(5); } catch (e) { return e.stack; } }\n"
      "function captured() { const o = {name: 'N', message: 'M'};"
      " Error.captureStackTrace(o); return o.stack; }\n"
      "class Own extends TypeError {}\nfunction plain() { return new Own('text').stack; }\n"
      "function nested() { return [1].map(() => Reflect.apply(plain, null, []))[0]; }\n"
      "function limited() { Error.stackTraceLimit = 1; return plain(); }\n");
  const std::string through = client.call("s", "through");
  expect_contains(through, "TypeError: setTimeout: ");
  expect_contains(through, "\n    at through (s:1:28)");
  expect(through.find("lethe:") == through.npos, through);
  expect_equal(client.call("s", "sites"), {"s:2:sites"});
  expect_equal(client.call("s", "captured"), "N: M\n    at captured (s:3:66)");
  expect_equal(client.call("s", "plain"), "TypeError: text\n    at plain (s:5:27)");
  expect_equal(client.call("s", "limited"), "TypeError: text\n    at plain (s:5:27)");
  expect_contains(client.call("s", "nested"), "at Array.map (<anonymous>)\n    at nested (s:6:");
  const json error = client.eval_error("setTimeout('x')");
  expect(error["stack"].get<std::string>().find("lethe:") == std::string::npos, shown(error));
  expect_equal(error["script"], "eval");
  expect_equal(client.eval("const e = new Error('kept'); e.stack = 'mine'; e.stack"), "mine");
  expect_equal(client.eval("String(new Error('head').stack).split('\\n')[0]"), "Error: head");
}

Test(error_details, code_that_a_script_made_tells_where_it_did_so) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("acme/s", "function run(source) {\n  return (0, eval)(source);\n}\n"
                       "function made() { return new Function('missing_name()')(); }");
  json error = client.error("call", {"acme/s", "run", {"1;\n  missing_name()"}});
  expect_members(error, {{"script", "acme/s"}, {"line", 2}});
  expect_contains(error["stack"], "at eval (eval at run (acme/s:2:");
  error = client.error("call", {"acme/s", "run", {"eval('missing_name()')"}});
  expect_equal(error["script"], "acme/s");
  error = client.error("call", {"acme/s", "made", json::array()});
  expect_members(error, {{"script", "acme/s"}, {"line", 4}});
  // Where a map says that the source comes from somewhere else, so does the code that it made.
  client.put("mapped", "function run(source) { return (0, eval)(source); }" + inline_map);
  error = client.error("call", {"mapped", "run", {"missing_name()"}});
  expect_equal(error["script"], "typed.ts");
  expect_contains(error["stack"], "(eval at run (typed.ts:11:");
}

Test(error_details, stacks_have_no_paths_of_this_machine) {
  ScratchFolder folder;
  const std::string file =
      folder.file("library.js", "function fail() {\n  throw new Error('in the library');\n}\n");
  Daemon daemon({"pool.default.preload=[\"" + file + "\"]"});
  Client client = daemon.connect();
  const json error = client.eval_error("fail()");
  expect_members(error, {{"script", "preload:library.js"}, {"line", 2}});
  expect_contains(error["stack"], "at fail (preload:library.js:2:9)");
  expect(shown(error).find(folder.path().string()) == std::string::npos, shown(error));
  // Who put it there is told where it is.
  folder.file("library.js", "throw new Error('at the start')");
  expect_contains(client.error("reload", json::array())["message"], file);
}

Test(error_details, places_are_mapped_by_a_map_in_the_source) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("s",
             "function f() { throw new Error('mapped', {cause: new Error('too')}); }" + inline_map);
  const json error = client.error("call", {"s", "f", json::array()});
  expect_contains(error["stack"], "typed.ts:11");
  expect_members(error, {{"script", "typed.ts"}, {"line", 11}});
  expect_contains(error["cause"]["stack"], "typed.ts:11");
  client.put("m", "export function f() { throw new Error('mapped'); }" + inline_map,
             {{"module", true}});
  client.put("importer", "import { f } from 'm'; export const g = () => f();", {{"module", true}});
  expect_contains(client.error("call", {"importer", "g", json::array()})["stack"], "typed.ts:11");
  client.put("s", "function f() { throw new Error('x'); }" + escaped_map);
  expect_equal(client.error("call", {"s", "f", json::array()})["script"], "typed.ts");
  // One that can't be read is none.
  client.put("s", "function f() { throw new Error('x'); }\n"
                  "//# sourceMappingURL=data:application/json,%7Bno");
  expect_equal(client.error("call", {"s", "f", json::array()})["script"], "s");
  client.put("s", "function f() { throw new Error('x'); }\n//# sourceMappingURL=s.js.map");
  expect_equal(client.error("call", {"s", "f", json::array()})["script"], "s");
}

Test(error_details, places_are_mapped_by_maps_of_all_forms) {
  Daemon daemon;
  Client client = daemon.connect();
  const auto expect_place = [&](const std::string &source, const std::string &map,
                                const std::string &script, int line, Where where = Where::here()) {
    client.put("s", source, {{"source_map", map}}, where);
    const json error = client.error("call", {"s", "f", json::array()}, where);
    expect_members(error, {{"script", script}, {"line", line}}, where);
    expect_contains(error["stack"], script + ":" + std::to_string(line), where);
  };
  const std::string at_first = "function f() { throw new Error('x'); }";
  const std::string at_third = "\n\n" + at_first;
  const std::string part = R"({"version":3,"sources":["one.ts"],"names":[],"mappings":"AAUA"})";
  const std::string other = R"({"version":3,"sources":["a.ts","two.ts"],"mappings":"ACKA"})";
  const auto section = [](int line, int column, const std::string &map) {
    return R"({"offset":{"line":)" + std::to_string(line) + R"(,"column":)" +
           std::to_string(column) + R"(},"map":)" + map + "}";
  };
  const auto index_map = [](const std::string &sections) {
    return R"({"version":3,"sections":[)" + sections + "]}";
  };
  const std::string both = index_map(section(0, 0, part) + "," + section(2, 5, other));
  expect_place(at_first, both, "one.ts", 11);
  expect_place(at_third, both, "two.ts", 6);
  expect_place(at_third, index_map(section(2, 0, part)), "one.ts", 11);
  expect_place(at_first, index_map(section(0, 30, other)), "s", 1); // begins after the throw
  expect_place(at_first, "\ufeff" + part, "one.ts", 11);
  expect_place(at_first, ")]}'\n" + part, "one.ts", 11);
  expect_place(at_first, R"({"version":3,"sourceRoot":"src","sources":["a.ts"],"mappings":"AAUA"})",
               "src/a.ts", 11);
  // The throw is in a part of which the map says that it comes from nowhere.
  expect_place(at_first, R"({"version":3,"sources":["a.ts"],"mappings":"AAUA,U"})", "s", 1);
  for (const std::string &wrong :
       {index_map("5"), index_map(R"({"map":)" + part + "}"), index_map(section(-1, 0, part)),
        index_map(section(0, 0, R"({"version":3})")), std::string(")]}'")})
    expect_equal(client.error("script.put", {"s", at_first, {{"source_map", wrong}}})["code"],
                 "invalid_request");
}

Test(error_details, what_a_built_in_function_throws_has_the_place_of_its_call) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("acme/s", "function f(text) {\n  return JSON.parse(text);\n}");
  json error = client.error("call", {"acme/s", "f", {"{bad"}});
  expect_members(error, {{"name", "SyntaxError"}, {"script", "acme/s"}, {"line", 2}});
  error = client.eval_error("1;\n[1].reduceRight(0)");
  expect_members(error, {{"script", "eval"}, {"line", 2}});
}

Test(error_details, syntax_errors_show_where) {
  Daemon daemon;
  Client client = daemon.connect();
  for (const json &options : {json{{"module", false}}, json{{"module", true}}}) {
    const json error =
        client.error("script.put", {"acme/s", "let ok = 1;\n  let broken = ;\n", options});
    expect_members(error, {{"code", "compile_error"},
                           {"script", "acme/s"},
                           {"line", 2},
                           {"column", 16},
                           {"source_line", "  let broken = ;"}});
  }
  const json error = client.eval_error("1 +\n* 2");
  expect_members(error, {{"line", 2}, {"column", 1}, {"source_line", "* 2"}});
}

Test(error_details, limits_tell_where_the_script_was) {
  Daemon daemon({"pool.default.memory_mb=40", "pool.default.deadline_ms=30000"});
  Client client = daemon.connect();
  client.put("s", "function grow() { const kept = [];\n for (;;) kept.push({a: kept.length}); }\n"
                  "function refused() { return new Uint8Array(1e9); }\n"
                  "function loop() {\n for (;;); }");
  json error = client.error("call", {"s", "grow", json::array()});
  expect_equal(error["code"], "memory_limit");
  expect_contains(error["stack"], "at grow (s:2");
  error = client.error("call", {"s", "refused", json::array()});
  expect_equal(error["code"], "memory_limit");
  expect_contains(error["stack"], "at refused (s:3");
  error = client.error("call", {"s", "loop", json::array(), {{"deadline_ms", 100}}});
  expect_contains(error["stack"], "at loop (s:5");
}
