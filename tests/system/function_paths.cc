// SPDX-License-Identifier: Apache-2.0
// Functions of objects, called by their path.
#include "tests/harness/daemon.h"

#include <criterion/criterion.h>

using namespace lethe::test;

TestSuite(function_paths, .timeout = 60);

namespace {

constexpr const char *api =
    "{ v1: { users: { list: ['Ada'], get(i) { return this.list[i]; } } }, 'odd.name': () => 1 }";

void expect_not_found(Client &client, const std::string &script, const std::string &path,
                      Where where = Where::here()) {
  expect_members(client.error("call", {script, path, json::array()}, where),
                 {{"code", "not_found"}, {"kind", "function"}, {"name", path}}, where);
}

} // namespace

Test(function_paths, lead_to_methods_of_all_kinds_of_scripts_under_all_isolations) {
  for (const std::string isolation : {"rewind", "process", "reuse"}) {
    Daemon daemon({"pool.default.isolation=" + isolation, "pool.default.rewind_verify=1"});
    Client client = daemon.connect();
    const std::string object = api;
    client.put("var", "var api = " + object + ";");
    client.put("const", "const api = " + object + ";");
    client.put("module", "export const api = " + object + "; export default api;",
               {{"module", true}});
    client.put("commonjs", "exports.api = " + object + ";", {{"commonjs", true}});
    for (const char *script : {"var", "const", "module", "commonjs"}) {
      expect_equal(client.call(script, "api.v1.users.get", {0}), "Ada");
      expect_equal(client.call(script, "api.v1.users.get", {0}), "Ada");
      expect_equal(client.result("script.get", {script})["functions"][0], "api.v1.users.get");
      for (const char *path :
           {"api", "api.v1", "api.v1.users.list", "api.v2.get", "api..v1", "api.", ".api", ".",
            "api.odd.name", "api.v1.users.get.call", "api.v1.users.toString", "none.get"})
        expect_not_found(client, script, path);
    }
    expect_equal(client.call("module", "default.v1.users.get", {0}), "Ada");
    expect_equal(client.call("commonjs", "default.api.v1.users.get", {0}), "Ada");
  }
}

Test(function_paths, are_of_own_properties_only) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("s", "class A { m() { return 'inherited'; } own = () => 'own'; static s() { return "
                  "this === A; } }\n"
                  "var a = new A, b = Object.create({ f() {} }), c = { __proto__: null, f: () => "
                  "'without a prototype' };\n"
                  "function f() {} f.g = () => 'of a function'; f.prototype.h = () => 1;\n"
                  "let list = [() => 'element'], self_ = globalThis, number = 5, nothing = null;\n"
                  "var p = new Proxy({ f() {} }, { get() { throw new Error('asked'); } });\n"
                  "const built = { parse: JSON.parse };\n");
  expect_equal(client.call("s", "a.own"), "own");
  expect_equal(client.call("s", "c.f"), "without a prototype");
  expect_equal(client.call("s", "f.g"), "of a function");
  expect_equal(client.call("s", "list.0"), "element");
  expect_equal(client.call("s", "built.parse", {"[1]"}), {1});
  for (const char *path : {"a.m",           "a.constructor",  "a.__proto__.m", "b.f",
                           "f.prototype.h", "f.call",         "list.push",     "p.f",
                           "p.g",           "self_.eval",     "self_.f",       "number.toFixed",
                           "nothing.f",     "built.toString", "globalThis.f",  "JSON.parse",
                           "Math.max",      "console.log",    "host.call",     "Object.keys",
                           "eval.call"})
    expect_not_found(client, "s", path);
  expect_equal(client.result("script.get", {"s"})["functions"],
               {"a.own", "built.parse", "c.f", "f"});
}

// A name that has a dot itself goes before, as ever.
Test(function_paths, come_after_names) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("classic", "globalThis['a.f'] = () => 'name'; var a = { f: () => 'path' };");
  client.put("module",
             "const f = () => 'name'; export { f as 'a.f' }; export const a = { f: () => 'path' };",
             {{"module", true}});
  expect_equal(client.call("classic", "a.f"), "name");
  expect_equal(client.call("module", "a.f"), "name");
}

Test(function_paths, call_accessors_whose_errors_are_told) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("s", "var ran = 0; var a = { get b() { ++ran; return { f: () => ran }; }, get bad() { "
                  "throw new Error('no'); } };");
  expect_equal(client.call("s", "a.b.f"), 1); // not when the functions were listed
  expect_members(client.error("call", {"s", "a.bad.f", json::array()}),
                 {{"code", "script_error"}, {"line", 1}});
  expect_equal(client.result("script.get", {"s"})["functions"], json::array());
}

Test(function_paths, are_taken_wherever_a_function_is) {
  Daemon daemon({"pool.default.learn=true"});
  Client client = daemon.connect();
  const json put =
      client.put("s", "export default { add: (x) => x + 1, twice(x) { return this.add(x) * 2; } };",
                 {{"module", true}, {"warm_up", R"([["default.twice", [1]]])"_json}});
  expect_members(put["warm_up"], {{"steady", true}, {"pure", true}});
  expect_equal(
      client.result("chain", {R"([["s", "default.add"], ["s", "default.twice"]])"_json, 1}), 6);
  expect_equal(client.result("profile", {"s", "default.twice", {1}, {{"for_ms", 20}}})["stopped"],
               false);
  expect_members(
      client.error("script.put", {"bad", "var a = {};", {{"warm_up", R"([["a.f", []]])"_json}}}),
      {{"code", "not_found"}, {"name", "a.f"}});
}

Test(function_paths, are_listed_in_bounds) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("wide", "var a = {}; for (let i = 0; i < 5000; ++i) a['f' + i] = () => i;");
  expect_equal(client.result("script.get", {"wide"})["functions"].size(), 1000);
  expect_equal(client.call("wide", "a.f4999"), 4999);
  client.put("deep",
             "var a = { f: () => 0, a: { a: { a: { f: () => 4 }, f: () => 3 } } }; a.self = a;");
  expect_equal(client.call("deep", "a.a.a.a.f"), 4);
  expect_equal(client.call("deep", "a.self.self.self.f"), 0);
  expect(client.result("script.get", {"deep"})["functions"].size() < 10,
         "a cycle is not followed for ever");
}
