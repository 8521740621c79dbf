// SPDX-License-Identifier: Apache-2.0
// Scripts with the option commonjs: what they find, what of them can be called.
#include "tests/harness/daemon.h"

#include <criterion/criterion.h>

using namespace lethe::test;

TestSuite(commonjs, .timeout = 60);

namespace {

const json as_commonjs = {{"commonjs", true}};

json functions_of(Client &client, const std::string &script) {
  return client.result("script.get", {script})["functions"];
}

} // namespace

Test(commonjs, exports_are_called_with_their_this_under_all_isolations) {
  for (const std::string isolation : {"rewind", "process", "reuse"}) {
    Daemon daemon({"pool.default.isolation=" + isolation, "pool.default.rewind_verify=1"});
    Client client = daemon.connect();
    client.put(
        "s",
        "'use strict';\n"
        "let visits = 0;\n"
        "const hidden = () => 1;\n"
        "exports.greet = function (name) { return this.hello(name) + ++visits; };\n"
        "exports.hello = (name) => `Hello ${name} `;\n"
        "exports.kind = [typeof exports, typeof module, typeof require, this === exports].join();\n"
        "exports.found = () => exports.kind;\n",
        as_commonjs);
    client.put("whole",
               "module.exports = { f: () => 'f', g() { return this.f(); } }; exports.no = () => 1;",
               as_commonjs);
    for (int i = 0; i < 2; ++i) {
      const int visit = isolation == "reuse" ? i + 1 : 1;
      expect_equal(client.call("s", "greet", {"Ada"}), "Hello Ada " + std::to_string(visit));
    }
    expect_equal(client.call("s", "found"), "object,object,function,true");
    expect_equal(client.call("whole", "g"), "f");
    for (const auto &[script, name] : {std::pair("s", "hidden"),
                                       {"s", "visits"},
                                       {"whole", "no"},
                                       {"s", "kind"},
                                       {"s", "toString"},
                                       {"s", "hasOwnProperty"},
                                       {"s", "default"},
                                       {"s", "exports"}})
      expect_members(client.error("call", {script, name, json::array()}),
                     {{"code", "not_found"}, {"kind", "function"}, {"name", name}});
    expect_equal(functions_of(client, "s"), R"(["found", "greet", "hello"])"_json);
    expect_equal(functions_of(client, "whole"), R"(["f", "g"])"_json);
  }
}

// As `import f from 'script'` gives it.
Test(commonjs, what_is_exported_as_a_whole_is_default) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put(
      "function",
      "module.exports = function twice(x) { return [2 * x, this === undefined]; }; 'use strict';"
      "module.exports.half = (x) => x / 2;",
      as_commonjs);
  client.put("class", "module.exports = class A { static make() { return this.name; } };",
             as_commonjs);
  client.put("interop",
             "Object.defineProperty(exports, '__esModule', { value: true });"
             "exports.default = (x) => 'of the module ' + x;",
             as_commonjs);
  client.put("object", "module.exports = { f() { return 'f'; } };", as_commonjs);
  client.put("nothing", "module.exports = 7;", as_commonjs);
  expect_equal(client.call("function", "default", {21})[0], 42);
  expect_equal(client.call("function", "half", {21}), 10.5);
  expect_equal(functions_of(client, "function"), R"(["default", "half"])"_json);
  expect_equal(client.call("class", "make"), "A");
  expect_equal(client.call("interop", "default", {1}), "of the module 1");
  expect_equal(client.call("object", "default.f"), "f");
  expect_members(client.error("call", {"object", "default", json::array()}),
                 {{"code", "not_found"}});
  expect_members(client.error("call", {"nothing", "default", json::array()}),
                 {{"code", "not_found"}});
  expect_equal(functions_of(client, "nothing"), json::array());
  client.put("proxy", "module.exports = new Proxy({ f() {} }, {});", as_commonjs);
  client.put("global", "module.exports = globalThis;", as_commonjs);
  client.put("data.json", "{}", as_commonjs);
  for (const auto &[script, name] : {std::pair("proxy", "f"),
                                     {"proxy", "default"},
                                     {"global", "eval"},
                                     {"data.json", "f"},
                                     {"data.json", "Object"},
                                     {"data.json", "toString"}})
    expect_members(client.error("call", {script, name, json::array()}), {{"code", "not_found"}});
}

// Bundlers make accessors of exports, which give what a variable holds when they are asked.
Test(commonjs, accessors_of_bundlers_are_exports) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("s",
             "var define = (to, all) => { for (const name in all)"
             "  Object.defineProperty(to, name, { get: all[name], enumerable: true }); };\n"
             "var api = {}; define(api, { late: () => late });\n"
             "define(exports, { f: () => f, late: () => late, api: () => api });\n"
             "var f = () => 'f', late = () => 'early';\n"
             "late = () => 'late';",
             as_commonjs);
  expect_equal(client.call("s", "f"), "f");
  expect_equal(client.call("s", "late"), "late");
  expect_equal(client.call("s", "api.late"), "late");
  expect_equal(functions_of(client, "s"), R"(["f", "late"])"_json);
}

Test(commonjs, require_says_what_to_do) {
  Daemon daemon;
  Client client = daemon.connect();
  const json error =
      client.error("script.put", {"s", "\n  const fs = require('fs');", as_commonjs});
  expect_members(error, {{"code", "script_error"}, {"line", 2}, {"column", 14}});
  expect_contains(error["message"], "require('fs')");
  expect_contains(error["message"], "Bundle");
  client.put(
      "s",
      "let found = 'nothing'; try { require('node:zlib'); } catch (error) { found = error.code; }"
      "exports.f = () => found; exports.main = () => require.main === module;",
      as_commonjs);
  expect_equal(client.call("s", "f"), "MODULE_NOT_FOUND");
  expect_equal(client.call("s", "main"), false);
}

Test(commonjs, places_are_those_of_the_file) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("s",
             "exports.f = () => { throw new Error('first'); };\nexports.g = () => {\n  throw new "
             "Error('third');\n};",
             as_commonjs);
  json error = client.error("call", {"s", "f", json::array()});
  expect_members(error, {{"script", "s"}, {"line", 1}, {"column", 21}});
  expect_contains(error["stack"], "s:1:27");
  error = client.error("call", {"s", "g", json::array()});
  expect_members(error, {{"script", "s"}, {"line", 3}, {"column", 3}});
  error = client.error("script.put", {"broken", "exports.f = 1;\n  exports.g = ];", as_commonjs});
  expect_members(error, {{"code", "compile_error"},
                         {"script", "broken"},
                         {"line", 2},
                         {"column", 15},
                         {"source_line", "  exports.g = ];"}});
  // Line 1, column 0 is that of line 10 of the source.
  client.put(
      "mapped", "exports.f = () => { throw new Error('mapped'); };",
      {{"commonjs", true},
       {"source_map", R"({"version":3,"sources":["src/a.ts"],"names":[],"mappings":"AASA"})"}});
  expect_members(client.error("call", {"mapped", "f", json::array()}),
                 {{"script", "src/a.ts"}, {"line", 10}});
}

Test(commonjs, is_warmed_up_and_its_purity_told) {
  Daemon daemon;
  Client client = daemon.connect();
  const json calls = R"([["f", [1]], ["default.f", [2]]])"_json;
  const json pure =
      client.put("pure", "const one = 1; exports.f = (x) => x + one;",
                 {{"commonjs", true}, {"warm_up", calls}, {"warm_up_must_be_pure", true}});
  expect_members(pure["warm_up"], {{"steady", true}, {"pure", true}});
  expect_equal(client.call("pure", "f", {41}), 42);
  for (const json &entry : client.result("script.list", json::array()))
    expect_equal(entry["compiled"], 0);
  const json put = client.put(
      "counts",
      "let visits = 0; exports.total = 0; exports.f = (x) => { visits += x; exports.total += x; };",
      {{"commonjs", true}, {"warm_up", calls}});
  expect_equal(put["warm_up"]["changed"], R"(["total", "f{visits}"])"_json);
}

// Nothing of it is left to be compiled by requests.
Test(commonjs, is_compiled_when_it_is_put) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("s", "exports.f = (x) => g(x); function g(x) { return h(x); } const h = (x) => x + 1;",
             as_commonjs);
  expect_equal(client.call("s", "f", {1}), 2);
  expect_equal(client.result("script.list", json::array())[0]["compiled"], 0);
}

Test(commonjs, is_what_put_many_chain_import_and_globals_know) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("lib", "export const n = 40;", {{"module", true}});
  client.result("script.put_many", json::array({R"([
    ["a", "exports.f = async (x) => x + (await import('lib')).n; globalThis.seen = () => 1;", {"commonjs": true}],
    ["b", "module.exports = (x) => [x, typeof Buffer, typeof seen];", {"commonjs": true, "node_globals": true}]
  ])"_json}));
  expect_equal(client.result("chain", {R"([["a", "f"], ["b", "default"]])"_json, 2}),
               {42, "function", "undefined"});
  expect_members(client.error("call", {"a", "seen", json::array()}), {{"code", "not_found"}});
  const json error = client.error("script.put", {"s", "", {{"commonjs", true}, {"module", true}}});
  expect_members(error, {{"code", "invalid_request"}});
  expect_contains(error["message"], "commonjs");
}

Test(commonjs, is_kept_over_a_restart) {
  Daemon daemon;
  {
    Client client = daemon.connect();
    client.put("s", "exports.f = () => 1;", as_commonjs);
  }
  daemon.stop();
  daemon.start();
  Client client = daemon.connect();
  expect_equal(client.call("s", "f"), 1);
  expect_equal(client.result("script.get", {"s"})["options"], as_commonjs);
}
