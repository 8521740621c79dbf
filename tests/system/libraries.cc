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
