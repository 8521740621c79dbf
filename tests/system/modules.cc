// SPDX-License-Identifier: Apache-2.0
// ES modules: which scripts they find, and what they are told when they don't.
#include "tests/harness/daemon.h"

#include <criterion/criterion.h>

using namespace lethe::test;

TestSuite(modules, .timeout = 60);

namespace {

const json as_module = {{"module", true}};

} // namespace

Test(modules, import_by_name_and_by_path) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("acme/lib/util.js", "export default 'util'; export const deep = 'deep';", as_module);
  client.put("top.js", "export default 'top';", as_module);
  client.put("acme/a b.js", "export default 'space';", as_module);
  client.put(
      "acme/main.js",
      "import bare, { deep } from 'acme/lib/util.js'; import path from './lib/util.js';"
      "import up from '../top.js'; import root from '/top.js'; import over from '../../../top.js';"
      "import url from 'lethe:/acme/lib/util.js'; import space from 'lethe:/acme/a%20b.js';"
      "import dots from './lib/../lib/./util.js';"
      "export const all = () => [bare, deep, path, up, root, over, url, space, dots];",
      as_module);
  expect_equal(client.call("acme/main.js", "all"),
               {"util", "deep", "util", "top", "top", "top", "util", "space", "util"});
}

Test(modules, have_live_bindings_and_may_be_cycles) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("counter", "export let n = 0; export function up() { ++n; }", as_module);
  // The first of two that import each other is put without its import.
  client.put("odd", "export const odd = (n) => false;", as_module);
  client.put("even", "import { odd } from 'odd'; export const even = (n) => n === 0 || odd(n - 1);",
             as_module);
  client.put("odd",
             "import { even } from 'even'; import { n, up } from 'counter';"
             "export const odd = (x) => x !== 0 && even(x - 1);"
             "export const live = () => { const before = n; up(); up(); return [before, n]; };",
             as_module);
  expect_equal(client.call("odd", "odd", {7}), true);
  expect_equal(client.call("even", "even", {7}), false);
  expect_equal(client.call("odd", "live"), {0, 2});
  expect_equal(client.call("odd", "live"), {0, 2}); // and rewound
}

Test(modules, import_dynamically_from_everywhere) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("lib/m",
             "export const f = (x) => x * 2; export const me = () => import('./m');"
             "export default import.meta.url;",
             as_module);
  client.put("lib/classic",
             "async function f(x) { return (await import('./m')).f(x); }"
             "async function evaluated() { return (await eval(\"import('./m')\")).f(4); }"
             "const same = async () => await import('lib/m') === await import('./m');");
  client.put("lib/module",
             "const m = await import('./m'); export const f = async () => {"
             "const again = await m.me(); return [again === m, again.default]; };",
             as_module);
  expect_equal(client.call("lib/classic", "f", {21}), 42);
  expect_equal(client.call("lib/classic", "evaluated"), 8);
  expect_equal(client.call("lib/classic", "same"), true);
  expect_equal(client.call("lib/module", "f"), {true, "lethe:/lib/m"});
  expect_equal(client.eval("import('lib/m').then((m) => m.f(3))"), 6);
  expect_equal(
      client.eval("Promise.all([import('lib/m'), import('./lib/m'), import('lethe:/lib/m')])"
                  ".then(([a, b, c]) => a === b && b === c)"),
      true);
}

Test(modules, a_dynamic_import_that_fails_can_be_caught) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("throws",
             "export const f = () => 1; if (globalThis.bad) throw new RangeError('thrown');",
             as_module);
  client.put("classic", "var x;");
  expect_equal(
      client.eval("import('none').catch((e) => [e.name, /no script 'none'/.test(e.message)])"),
      {"TypeError", true});
  expect_equal(client.eval("import('classic').catch((e) => /not a module/.test(e.message))"), true);
  expect_equal(
      client.eval("globalThis.bad = 1; const once = () => import('throws').catch((e) => e);"
                  "Promise.all([once(), once()]).then(([a, b]) => [a.message, a === b])"),
      {"thrown", true});
  const json error = client.eval_error("\n  import('none')");
  expect_members(error, {{"code", "script_error"}, {"line", 2}});
}

Test(modules, have_import_meta) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("acme/ü?.js",
             "export const f = () => import.meta.url;"
             "export const r = (s) => import.meta.resolve(s);",
             as_module);
  expect_equal(client.call("acme/ü?.js", "f"), "lethe:/acme/%C3%BC%3F.js");
  expect_equal(client.call("acme/ü?.js", "r", {"./x.js"}), "lethe:/acme/x.js");
  expect_equal(client.call("acme/ü?.js", "r", {"x"}), "lethe:/x");
  expect_equal(client.eval("import('lethe:/acme/%C3%BC%3F.js').then((m) => m.f())"),
               "lethe:/acme/%C3%BC%3F.js");
}

Test(modules, of_json) {
  Daemon daemon;
  Client client = daemon.connect();
  const std::string v8 = client.result("ping", json::array())["v8"];
  const std::string attribute =
      std::string(std::stoi(v8) < 12 ? "assert" : "with") + " { type: 'json' }";
  client.put("conf/data.json", R"({"n": [1, 2], "__proto__": "own"})");
  client.put("conf/main",
             "import data from './data.json'; import asserted from './data.json' " + attribute +
                 "; export const f = () => [data.n,"
                 "Object.keys(data), data === asserted];",
             as_module);
  expect_equal(client.call("conf/main", "f"), R"([[1, 2], ["n", "__proto__"], true])"_json);
  expect_equal(client.eval("import('conf/data.json').then((m) => m.default.n)"), {1, 2});
  // With a byte order mark, as decoders of UTF-8 have it.
  client.put("conf/marked.json", "\ufeff{\"a\": 1}");
  expect_equal(client.eval("import('conf/marked.json').then((m) => m.default)"), {{"a", 1}});
  expect_equal(client.error("script.put", {"conf/twice.json", "\ufeff\ufeff{}"})["code"],
               "compile_error");
  const json error = client.error("script.put", {"conf/data.json", "{\"n\": 1,\n  \"m\": }"});
  expect_members(error, {{"code", "compile_error"},
                         {"script", "conf/data.json"},
                         {"line", 2},
                         {"source_line", "  \"m\": }"}});
  expect_contains(
      client.error("script.put", {"m", "import 'conf/main' " + attribute, as_module})["message"],
      "not JSON");
}

Test(modules, say_which_import_leads_nowhere) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("acme/ok.js", "export const there = 1;", as_module);
  json error = client.error("script.put",
                            {"acme/main.js",
                             "import { there } from './ok.js';\n  import { x } from './none.js';",
                             as_module});
  expect_equal(error["code"], "compile_error");
  expect_contains(error["message"], "'./none.js'");
  expect_contains(error["message"], "acme/none.js");
  expect_members(error, {{"script", "acme/main.js"},
                         {"line", 2},
                         {"column", 21},
                         {"source_line", "  import { x } from './none.js';"}});
  error = client.error("script.put",
                       {"acme/main.js", "\nimport { there, missing } from './ok.js';", as_module});
  expect_equal(error["code"], "compile_error");
  expect_contains(error["message"], "missing");
  expect_equal(error["line"], 2);
  client.put("classic.js", "var x;");
  error = client.error("script.put", {"m", "import 'classic.js'", as_module});
  expect_contains(error["message"], "not a module");
}

Test(modules, importers_of_a_changed_module_get_the_new_one) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("version", "export const v = 1;", as_module);
  client.put("data.json", "1");
  client.put("between", "export { v } from 'version';", as_module);
  client.put("main",
             "import { v } from 'between'; import d from 'data.json';"
             "export const f = () => [v, d];",
             as_module);
  client.put("classic", "let got; import('version').then((m) => { got = m.v; });"
                        "function f() { return got; }");
  expect_equal(client.call("main", "f"), {1, 1});
  client.put("version", "export const v = 2;", as_module);
  client.put("data.json", "2");
  expect_equal(client.call("main", "f"), {2, 2});
  expect_equal(client.call("classic", "f"), 2);
  // What would break an importer is refused, and everything stays as it was.
  json error = client.error("script.put", {"version", "export const w = 3;", as_module});
  expect_equal(error["code"], "compile_error");
  expect_contains(error["message"], "between");
  error = client.error("script.delete", {"version"});
  expect_equal(error["code"], "invalid_request");
  expect_contains(error["message"], "imports version");
  expect_equal(client.call("main", "f"), {2, 2});
  for (const std::string name : {"main", "classic", "between", "version"})
    expect_equal(client.result("script.delete", {name}), true);
}

Test(modules, are_there_after_a_restart_in_whatever_order_they_are_loaded) {
  // Small messages: the scripts come to the zygote in several parts.
  Daemon daemon({"max_message_bytes=4096"});
  const std::string filler = "//" + std::string(2000, 'x');
  {
    Client client = daemon.connect();
    client.put("z/last", "export const v = 'last';" + filler, as_module);
    client.put("m/middle", "export { v } from 'z/last';" + filler, as_module);
    client.put("a/first", "import { v } from 'm/middle'; export const f = () => v;" + filler,
               as_module);
    client.put("b/second", "const m = await import('z/last'); export const f = () => m.v;" + filler,
               as_module);
  }
  daemon.kill();
  daemon.start();
  Client client = daemon.connect();
  expect_equal(client.call("a/first", "f"), "last");
  expect_equal(client.call("b/second", "f"), "last");
  client.result("reload", json::array());
  expect_equal(client.call("a/first", "f"), "last");
  for (const json &script : client.result("script.list", json::array()))
    expect_equal(script["resident"], true);
}

Test(modules, follow_the_pools_import_map) {
  ScratchFolder folder;
  const std::string file = folder.file("map.json", R"({
    "imports": {"math": "lib/math.js", "lib/": "./vendor/lib/", "/moved.js": "lethe:/lib/math.js",
                "forbidden": null},
    "scopes": {"old/": {"math": "lib/old_math.js"}, "old/new.js": {"math": "lib/math.js"}}})");
  Daemon daemon({"pool.default.import_map=\"" + file + "\""});
  Client client = daemon.connect();
  client.put("lib/math.js", "export default 'math';", as_module);
  client.put("lib/old_math.js", "export default 'old math';", as_module);
  client.put("vendor/lib/x.js", "export default 'vendor';", as_module);
  const std::string source = "import m from 'math'; import x from 'lib/x.js'; import moved from"
                             " '../moved.js'; export const f = () => [m, x, moved];";
  client.put("app/main.js", source, as_module);
  client.put("old/main.js", source, as_module);
  client.put("old/new.js", source, as_module);
  expect_equal(client.call("app/main.js", "f"), {"math", "vendor", "math"});
  expect_equal(client.call("old/main.js", "f"), {"old math", "vendor", "math"});
  expect_equal(client.call("old/new.js", "f"), {"math", "vendor", "math"});
  expect_equal(client.eval("import('math').then((m) => m.default)"), "math");
  for (const std::string wrong : {"forbidden", "lib/../../secret"})
    expect_contains(client.eval_error("import('" + wrong + "')")["message"], "import map forbids");

  folder.file("map.json", R"({"imports": {"math": "lib/old_math.js", "lib/": "vendor/lib/",
                            "/moved.js": "lib/math.js"}})");
  client.result("reload", json::array());
  expect_equal(client.call("app/main.js", "f"), {"old math", "vendor", "math"});

  folder.file("map.json", R"({"imports": {"math": 5}})");
  const json error = client.error("reload", json::array());
  expect_contains(error["message"], file);
  expect_contains(error["message"], "\"math\" must be a string");
  expect_equal(client.call("app/main.js", "f"), {"old math", "vendor", "math"});
}

Test(modules, await_at_their_top_level) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("slow", "export const v = await new Promise((r) => setTimeout(r, 10, 'slow'));",
             as_module);
  client.put("main", "import { v } from 'slow'; export const f = () => v;", as_module);
  expect_equal(client.call("main", "f"), "slow");
  const json error = client.error(
      "script.put", {"rejects", "\nawait Promise.reject(new RangeError('no'));", as_module});
  expect_members(error, {{"code", "script_error"}, {"name", "RangeError"}, {"line", 2}});
}
