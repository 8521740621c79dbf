// SPDX-License-Identifier: Apache-2.0
// The standard APIs: each file of js/ is run by the real daemon, as `eval` and as a script that is
// called twice, so that what the APIs keep is rewound as well.
#include "tests/harness/daemon.h"

#include <criterion/criterion.h>
#include <string_view>

using namespace lethe::test;

TestSuite(apis, .timeout = 240);

namespace {

struct Source {
  std::string_view name, text;
};
constexpr Source sources[] = {
#include "gen/apis.inc"
};

std::string source_of(std::string_view name) {
  for (const Source &source : sources)
    if (source.name == name)
      return std::string(source.text);
  fail("there is no " + std::string(name) + ".js");
}

void expect_no_failures(const json &failures, const std::string &how) {
  std::string text;
  for (const json &failure : failures)
    text += "\n  " + failure[0].get<std::string>() + ": " + failure[1].get<std::string>();
  expect(failures.empty(), std::to_string(failures.size()) + " failed, run " + how + text);
}

void run_file(std::string_view name) {
  const json options = {{"deadline_ms", 60000}};
  Daemon daemon({"pool.default.workers=1"});
  Client client = daemon.connect();
  const std::string text = source_of("harness") + source_of(name);
  expect_no_failures(client.eval(text + "\noutcome()", options), "by eval");
  client.put("file", "function run() {" + text + "\nreturn outcome(); }", options);
  expect_no_failures(client.call("file", "run", json::array(), options), "by call");
  expect_no_failures(client.call("file", "run", json::array(), options), "by a second call");
}

} // namespace

// Test(apis, SUBJECT) for each js/SUBJECT.js.
#define API_TEST(name)                                                                             \
  Test(apis, name) { run_file(#name); }
#include "gen/apis_tests.inc"
