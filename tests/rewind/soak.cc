// SPDX-License-Identifier: Apache-2.0
// Requests of all kinds, one after the other on the same workers: every reply is right, no rewind
// leaves a difference, and nothing grows. LETHE_SOAK=long (make soak) sends ten million.
#include "tests/harness/daemon.h"
#include "tests/rewind/requests.h"

#include <algorithm>
#include <criterion/criterion.h>
#include <cstdlib>
#include <cstring>

using namespace lethe::test;

TestSuite(soak, .timeout = 14'400);

namespace {

struct Footprint {
  size_t descriptors = 0, mappings = 0, resident_kb = 0;
};

size_t mappings(pid_t pid) {
  const std::string maps = read_file("/proc/" + std::to_string(pid) + "/maps");
  return static_cast<size_t>(std::count(maps.begin(), maps.end(), '\n'));
}

Footprint footprint(pid_t pid) {
  return {open_descriptors(pid), mappings(pid), process_figure(pid, "status", "VmRSS")};
}

// The largest of each over all workers.
Footprint largest_worker(const Daemon &daemon) {
  Footprint largest;
  for (const pid_t worker : daemon.idle_workers()) {
    const Footprint one = footprint(worker);
    largest = {std::max(largest.descriptors, one.descriptors),
               std::max(largest.mappings, one.mappings),
               std::max(largest.resident_kb, one.resident_kb)};
  }
  return largest;
}

void expect_no_growth(const std::string &what, const Footprint &before, const Footprint &after,
                      size_t descriptors, size_t mappings, size_t kb) {
  const auto text = [](const Footprint &footprint) {
    return std::to_string(footprint.descriptors) + " descriptors, " +
           std::to_string(footprint.mappings) + " mappings, " +
           std::to_string(footprint.resident_kb) + " kB";
  };
  cr_log_info("%s: %s before, %s after", what.c_str(), text(before).c_str(), text(after).c_str());
  expect(after.descriptors <= before.descriptors + descriptors &&
             after.mappings <= before.mappings + mappings &&
             after.resident_kb <= before.resident_kb + kb,
         what + " grew from " + text(before) + " to " + text(after));
}

size_t request_count() {
  const char *soak = std::getenv("LETHE_SOAK");
  return soak && std::strcmp(soak, "long") == 0 ? 10'000'000 : 100'000;
}

} // namespace

Test(soak, mixed_requests_under_rewind) {
  Daemon daemon({"pool.default.workers=2", "pool.default.isolation=rewind",
                 "pool.default.rewind_verify=0.01",
                 // A worker that grew would be replaced before it is seen.
                 "pool.default.recycle_requests=0", "pool.default.recycle_age_s=0"});
  Client client = daemon.connect();
  const std::vector<RequestKind> kinds = request_kinds(client);
  // Measured when only tiny requests ran for a while: what heavy ones touched is given back by
  // then.
  std::vector<RequestKind> tiny{kinds.front()};
  MixedLoad load(daemon.socket_path(), kinds), pause(daemon.socket_path(), tiny);
  load.run(request_count() / 10);
  pause.run(5'000);
  const Footprint master = footprint(daemon.pid()), worker = largest_worker(daemon);
  const json stats = client.result("stats", json::array());

  load.run(request_count());
  pause.run(5'000);
  expect_no_growth("the master", master, footprint(daemon.pid()), 4, 8, 1024);
  expect_no_growth("a worker", worker, largest_worker(daemon), 0, 8, 2048);
  const json stats_after = client.result("stats", json::array());
  expect_equal(stats_after["crashes"], stats["crashes"]);
  expect_equal(stats_after["rewinds_failed_verify_failed"], 0);
  uint64_t verified = 0;
  for (const json &process : stats_after["pools"]["default"]["processes"])
    verified += process["rewinds_verified"].get<uint64_t>();
  expect(verified > 100, "only " + std::to_string(verified) + " rewinds were verified");
  const uint64_t replaced =
      stats_after["workers_forked"].get<uint64_t>() - stats["workers_forked"].get<uint64_t>();
  cr_log_info("%zu requests, %lu workers replaced", request_count(), replaced);
  expect(replaced <= request_count() / 1000, std::to_string(replaced) + " workers were replaced");
}
