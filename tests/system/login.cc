// SPDX-License-Identifier: Apache-2.0
// A login flow as its authors would write it: the results are those in the example's files, under
// each mode of isolation.
#include "tests/harness/login.h"
#include "tests/harness/daemon.h"

#include <criterion/criterion.h>

using namespace lethe::test;

TestSuite(login, .timeout = 60);

namespace {

void results_are_as_expected(const std::string &isolation) {
  Daemon daemon({"pool.default.isolation=" + isolation});
  Client client = daemon.connect();
  put_login_scripts(client);
  for (int round = 0; round < 3; ++round)
    for (const std::string name : {"small", "locked", "medium", "large"})
      expect_equal(client.result("chain", login_chain(name)), login_context(name + ".expected"));
}

} // namespace

Test(login, results_under_process) { results_are_as_expected("process"); }

Test(login, results_under_rewind) { results_are_as_expected("rewind"); }

Test(login, results_under_reuse) { results_are_as_expected("reuse"); }

Test(login, an_error_in_a_chain_names_its_step) {
  Daemon daemon;
  Client client = daemon.connect();
  put_login_scripts(client);
  client.put("broken", "function onLogin() { throw new Error('third party'); }");
  const json error =
      client.error("chain", {R"([["login/check-account", "onLogin"], ["broken", "onLogin"]])"_json,
                             login_context("small")});
  expect_equal(error["code"], "script_error");
  expect_equal(error["script"], "broken");
  expect_equal(error["step"], 1);
}
