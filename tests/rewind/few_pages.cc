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

} // namespace

Test(few_pages, a_small_request_costs_no_more_than_forty_pages) {
  const Daemon daemon(
      DaemonOptions{.settings = {"pool.default.workers=1", "pool.default.isolation=rewind",
                                 "pool.default.rewind_verify=0"}});
  Client client = daemon.connect();
  client.put("s", "function tiny(x) { return x + 1; }");
  const auto call = [&](int times) {
    for (int i = 0; i < times; ++i)
      expect_equal(client.call("s", "tiny", {i}), i + 1);
  };
  call(1000); // what the first ones alone have changed is noticed, and left out
  const Rewinds before = rewinds_of(client);
  call(1000);
  const Rewinds after = rewinds_of(client);
  expect(after.count >= before.count + 990, "each request is followed by a rewind");
  const uint64_t pages = (after.pages - before.pages) / (after.count - before.count);
  expect(pages <= 40, std::to_string(pages) + " pages are copied back after a small request");
}
