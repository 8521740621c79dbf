// SPDX-License-Identifier: Apache-2.0
// What a rewind has to copy back, counted: how long it takes follows from that.
#include "tests/harness/daemon.h"

#include <criterion/criterion.h>

using namespace lethe::test;

TestSuite(few_pages, .timeout = 60);

namespace {

struct Rewinds {
  uint64_t count, pages;
};

Rewinds rewinds_of(Client &client) {
  const json stats = client.result("stats", json::array());
  const json &worker = stats.at("pools").at("default").at("processes").at(0);
  return {worker.at("rewinds"), worker.at("rewind_pages")};
}

// Calls run(i) of a script, and expects i + 1; how many pages are copied back after a call.
uint64_t pages_after_a_call(const std::string &source, int times) {
  const Daemon daemon(
      DaemonOptions{.settings = {"pool.default.workers=1", "pool.default.isolation=rewind",
                                 "pool.default.rewind_verify=0"}});
  Client client = daemon.connect();
  client.put("s", source);
  const auto call = [&] {
    for (int i = 0; i < times; ++i)
      expect_equal(client.call("s", "run", {i}), i + 1);
    return rewinds_of(client);
  };
  const Rewinds before = call(); // what the first ones alone have changed is noticed, and left out
  const Rewinds after = call();
  expect(after.count + 10 >= before.count + static_cast<uint64_t>(times),
         "each request is followed by a rewind");
  return (after.pages - before.pages) / (after.count - before.count);
}

} // namespace

Test(few_pages, a_small_request_costs_no_more_than_forty_pages) {
  const uint64_t pages = pages_after_a_call("function run(x) { return x + 1; }", 1000);
  expect(pages <= 40, std::to_string(pages) + " pages are copied back after a small request");
}

// V8 would make it after some calls of a function, in each request again: 150 pages.
Test(few_pages, no_baseline_code_is_made_in_requests) {
  const uint64_t pages = pages_after_a_call(R"js(
const steps = [];
for (let i = 0; i < 60; ++i)
  steps.push(new Function('x', `let y = x; for (let i = 0; i < 3; ++i) y = (y * 31 + ${i}) | 0; return y;`));
function run(x) {
  let y = x;
  for (let turn = 0; turn < 20; ++turn)
    for (const step of steps)
      y = step(y);
  return y === x ? x : x + 1;
})js",
                                            200);
  expect(pages <= 115,
         std::to_string(pages) + " pages are copied back where functions are called again");
}
