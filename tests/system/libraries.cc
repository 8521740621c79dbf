// SPDX-License-Identifier: Apache-2.0
// Scripts that others wrote: lodash, ajv and crypto-js from npm as one preload file of several
// hundred kilobytes.
#include "tests/harness/daemon.h"

#include <criterion/criterion.h>

using namespace lethe::test;

TestSuite(libraries, .timeout = 120);

namespace {

DaemonOptions with_libraries() {
  const std::string bundle = build_folder() / "npm" / "libraries.js";
  expect(std::filesystem::file_size(bundle) > 300'000, "the bundle is small");
  return {.settings = {"pool.default.preload=[\"" + bundle + "\"]"}};
}

} // namespace

Test(libraries, lodash) {
  Daemon daemon(with_libraries());
  Client client = daemon.connect();
  client.put(
      "s",
      "function byRole(users) {"
      "  return _.mapValues(_.groupBy(users, 'role'), group => _.sortBy(_.map(group, 'name')));"
      "}");
  const json users = {{{"name", "Grace"}, {"role", "dev"}},
                      {{"name", "Ada"}, {"role", "dev"}},
                      {{"name", "Edsger"}, {"role", "admin"}}};
  expect_equal(client.call("s", "byRole", json::array({users})),
               {{"dev", {"Ada", "Grace"}}, {"admin", {"Edsger"}}});
  expect_equal(client.eval("_.chunk(_.range(5), 2)"), {{0, 1}, {2, 3}, {4}});
}

Test(libraries, ajv) {
  Daemon daemon(with_libraries());
  Client client = daemon.connect();
  client.put("s", R"(
    const validate = new Ajv().compile({
      type: 'object', required: ['name', 'age'], additionalProperties: false,
      properties: {name: {type: 'string', minLength: 1}, age: {type: 'integer', minimum: 0}}
    });
    function check(value) {
      return validate(value) ? 'valid' : validate.errors.map(error => error.instancePath + ' ' + error.message);
    })");
  expect_equal(client.call("s", "check", {{{"name", "Ada"}, {"age", 36}}}), "valid");
  expect_equal(client.call("s", "check", {{{"name", "Ada"}, {"age", -1}}}), {"/age must be >= 0"});
}

Test(libraries, crypto_js) {
  Daemon daemon(with_libraries());
  Client client = daemon.connect();
  expect_equal(client.eval("CryptoJS.SHA256('abc').toString()"),
               "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  expect_equal(
      client.eval("CryptoJS.HmacSHA256('what do ya want for nothing?', 'Jefe').toString()"),
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

Test(libraries, a_preload_file_that_throws_stops_the_start) {
  const ScratchFolder folder;
  const std::string file = folder.file("bad.js", "var ok = 1;\n\nthrow new Error('no start');\n");
  const Finished finished =
      run(daemon_command(folder, {.settings = {"pool.default.preload=[\"" + file + "\"]"}}));
  expect(finished.status != 0, "it started with half of it");
  expect_contains(finished.errors, file + ":3:");
  expect_contains(finished.errors, "no start");
}

Test(libraries, a_preload_file_that_loops_stops_the_start) {
  const ScratchFolder folder;
  const std::string file = folder.file("loop.js", "while (true) {}\n");
  const Finished finished =
      run(daemon_command(folder, {.settings = {"pool.default.preload=[\"" + file + "\"]",
                                               "snapshot_deadline_ms=5000"}}));
  expect(finished.status != 0, "it started");
  expect_contains(finished.errors, file);
}

// V8's snapshots have none of these: the files are evaluated for each script instead, and the log says why.
Test(libraries, what_a_preload_file_leaves_that_no_snapshot_can_hold_is_there) {
  struct Case {
    const char *source, *named, *code;
    json result;
  };
  const Case cases[] = {
      {"var shown = { date: new Intl.DateTimeFormat('de') };", "shown.date (Intl.DateTimeFormat)",
       "shown.date.format(new Date(0))", "1.1.1970"},
      {"const order = new Intl.Collator('sv'); var sorted = (list) => list.sort(order.compare);",
       "order (Intl.Collator)",
       "sorted(['\u00f6', 'z'])",
       {"z", "\u00f6"}},
      {"var gone = 0, registry = new FinalizationRegistry(() => { ++gone; });",
       "registry (FinalizationRegistry)", "registry.register({}, 1); gone", 0},
      {"var memory = new WebAssembly.Memory({ initial: 1 });", "WebAssembly",
       "memory.grow(1) + memory.buffer.byteLength / 65536", 3},
      {"var hidden = ((format) => (value) => format.format(value))(new Intl.NumberFormat('de'));",
       "something that a preload file leaves behind", "hidden(1.5)", "1,5"},
      {"var empty = new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));",
       "WebAssembly", "WebAssembly.Module.exports(empty).length", 0},
  };
  for (const Case &each : cases) {
    const ScratchFolder folder;
    const std::string file = folder.file("left.js", each.source);
    for (const char *isolation : {"rewind", "reuse", "process"}) {
      Daemon daemon(DaemonOptions{.settings = {"pool.default.preload=[\"" + file + "\"]",
                                               "pool.default.workers=1",
                                               std::string("pool.default.isolation=") + isolation},
                                  .cache_folder = (folder.path() / "cache").string()});
      Client client = daemon.connect();
      for (int i = 0; i < 2; ++i)
        expect_equal(client.eval(each.code), each.result);
      client.put("s", "function f() { return eval(" + json(each.code).dump() + "); }");
      expect_equal(client.call("s", "f"), each.result);
      client.put("t", "function f() { return typeof toString; }");
      expect_equal(client.call("t", "f"), "function");
      if (isolation == std::string("rewind")) // the others find the snapshot that it has built
        expect(daemon.logs(std::string("preload files are evaluated for each script, not once: V8 "
                                       "cannot store ") +
                           each.named),
               daemon.log());
    }
  }
}

// Built with all of V8, evaluated with what the pool's scripts may have.
Test(libraries, a_preload_file_that_can_be_evaluated_nowhere_stops_the_start) {
  const ScratchFolder folder;
  const std::string file =
      folder.file("wasm.js", "\nvar memory = new WebAssembly.Memory({ initial: 1 });");
  const Finished finished =
      run(daemon_command(folder, {.settings = {"pool.default.preload=[\"" + file + "\"]",
                                               "pool.default.jitless=true"}}));
  expect(finished.status != 0, "it started without it");
  expect_contains(finished.errors, "V8 cannot store WebAssembly");
  expect_contains(finished.errors, "WebAssembly is not defined");
}

Test(libraries, errors_of_preload_files_keep_their_stacks) {
  const ScratchFolder folder;
  const std::string file = folder.file(
      "errors.js", "class Refusal extends TypeError {}\nconst make = () => new Refusal('no');\n"
                   "var errors = [make(), new Error('', { cause: make() })];\n"
                   "const known = new Map([['no', make()]]);");
  Daemon daemon({"pool.default.preload=[\"" + file + "\"]"});
  Client client = daemon.connect();
  expect_equal(
      client.eval("[errors[0], errors[1].cause, known.get('no')].map(e => "
                  "e.stack.split('\\n').slice(0, 3).map(line => line.trim()))"),
      {{"TypeError: no", "at make (preload:errors.js:2:20)", "at preload:errors.js:3:15"},
       {"TypeError: no", "at make (preload:errors.js:2:20)", "at preload:errors.js:3:46"},
       {"TypeError: no", "at make (preload:errors.js:2:20)", "at preload:errors.js:4:31"}});
  expect_equal(client.eval("Object.keys(errors[0])"), json::array());
  expect_contains(client.eval_error("throw errors[0]")["stack"], "preload:errors.js:2:20");
}

Test(libraries, a_preload_file_that_is_missing_stops_the_start) {
  const ScratchFolder folder;
  const Finished finished =
      run(daemon_command(folder, {.settings = {"pool.default.preload=[\"/nowhere/p.js\"]"}}));
  expect(finished.status != 0, "it started");
  expect_contains(finished.errors, "/nowhere/p.js");
}

Test(libraries, a_damaged_snapshot_is_built_again) {
  const ScratchFolder cache;
  Daemon daemon(DaemonOptions{.cache_folder = cache.path()});
  daemon.stop();
  for (const auto &entry : std::filesystem::recursive_directory_iterator(cache.path()))
    if (entry.is_regular_file()) {
      const auto bytes = std::filesystem::file_size(entry.path());
      std::string content = read_file(entry.path());
      content[bytes / 2] = static_cast<char>(content[bytes / 2] ^ 1);
      std::filesystem::remove(entry.path());
      cache.file(std::filesystem::relative(entry.path(), cache.path()), content);
      daemon.start();
      expect_equal(daemon.connect().eval("1"), 1);
      daemon.stop();
      std::filesystem::resize_file(entry.path(), bytes / 3);
    }
  daemon.start();
  expect_equal(daemon.connect().eval("1"), 1);
}
