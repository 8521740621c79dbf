// SPDX-License-Identifier: Apache-2.0
// Invariant 4: nothing stays of a request. Hundreds of scripts try to leave something behind; each
// is followed on the same worker by probes that must find a virgin world. Under reuse the same
// probes must see most of them, or they would prove nothing.
#include "tests/harness/daemon.h"
#include "tests/rewind/hunter.h"

#include <criterion/criterion.h>
#include <cstdlib>

using namespace lethe::test;

TestSuite(leaks, .timeout = 300);

namespace {

// Each `stride`th leak, from `first` on. LETHE_REWIND=long: all of them, with tampering with each
// built-in object.
std::vector<Leak> some_leaks(Hunter &hunter, size_t stride, size_t first = 0) {
  const bool all = std::getenv("LETHE_REWIND") != nullptr;
  std::vector<Leak> leaks = written_leaks(), some;
  for (Leak &tampering : hunter.tamperings(all ? 1 : 3))
    leaks.push_back(std::move(tampering));
  for (size_t i = all ? 0 : first; i < leaks.size(); i += all ? 1 : stride)
    some.push_back(std::move(leaks[i]));
  return some;
}

std::string listed(const Hunt &hunt) {
  std::string text = std::to_string(hunt.caught.size()) + " leaks:";
  for (const auto &[name, seen] : hunt.caught)
    text += "\n" + name + "\n  " + seen;
  return text;
}

void nothing_stays(const std::string &isolation, World world, const std::string &scan,
                   size_t stride, size_t first = 0) {
  Daemon daemon({"pool.default.workers=1", "pool.default.isolation=" + isolation,
                 "pool.default.rewind_scan=" + scan});
  Client client = daemon.connect();
  Hunter hunter(client, world);
  const std::vector<Leak> leaks = some_leaks(hunter, stride, first);
  expect(leaks.size() >= 500 / stride, "only " + std::to_string(leaks.size()) + " leaks");
  const Hunt hunt = hunter.hunt(leaks, 4);
  expect(hunt.caught.empty(), listed(hunt));
  cr_log_info("%s, %s: %zu leaks tried", isolation.c_str(), scan.c_str(), leaks.size());
  if (isolation != "rewind")
    return;
  std::string unobserved;
  for (const std::string &name : hunt.unobserved)
    unobserved += "\n" + name;
  cr_log_info("not followed on the same worker:%s", unobserved.c_str());
  expect(hunt.unobserved.size() <= leaks.size() / 50 + 1,
         "these leaks were not followed on the same worker:" + unobserved);
}

} // namespace

// Each leak in one of the two worlds.
Test(leaks, nothing_stays_in_eval_under_rewind) { nothing_stays("rewind", World::eval, "auto", 2); }

Test(leaks, nothing_stays_in_a_resident_script_under_rewind) {
  nothing_stays("rewind", World::resident, "auto", 2, 1);
}

Test(leaks, nothing_stays_where_changes_are_found_by_pagemap) {
  nothing_stays("rewind", World::resident, "pagemap", 7);
}

Test(leaks, nothing_stays_where_all_pages_are_dropped) {
  nothing_stays("rewind", World::resident, "drop", 6);
}

Test(leaks, nothing_stays_under_process) { nothing_stays("process", World::resident, "auto", 6); }

Test(leaks, variables_of_scripts_and_modules_start_anew) {
  for (const std::string isolation : {"rewind", "process"}) {
    Daemon daemon({"pool.default.workers=1", "pool.default.isolation=" + isolation});
    Client client = daemon.connect();
    client.put("script",
               "var a = 0; let b = 0; const c = [0]; const count = () => [++a, ++b, ++c[0]];");
    client.put(
        "module",
        "let n = 0; const seen = new Map(); export let live = 0;"
        "export function count() { live += 1; seen.set(n, ++n); return [n, seen.size, live]; }",
        {{"module", true}});
    client.put("step", "let runs = 0; const step = (list) => [...list, ++runs];");
    const json step = {"step", "step"};
    for (int i = 0; i < 20; ++i) {
      expect_equal(client.call("script", "count"), {1, 1, 1});
      expect_equal(client.call("module", "count"), {1, 1, 1});
      // Each step of a chain, too.
      expect_equal(client.result("chain", {json::array({step, step, step}), json::array()}),
                   {1, 1, 1});
    }
  }
}

Test(leaks, most_are_seen_under_reuse) {
  // A worker for each leak. (eval has a context of its own each time, even under reuse.)
  Daemon daemon({"pool.default.workers=1", "pool.default.isolation=reuse"});
  Client client = daemon.connect();
  // Tampering with promises may leave the hunter's own requests waiting for ever.
  Hunter hunter(client, World::resident, 1000);
  const std::vector<Leak> leaks = some_leaks(hunter, 8, 4);
  const Hunt hunt = hunter.hunt(leaks, 1, [&daemon] { daemon.replace_idle_workers(); });
  std::string missed;
  for (const Leak &leak : leaks)
    if (!hunt.caught.contains(leak.name))
      missed += "\n" + leak.name;
  cr_log_info("reuse: %zu of %zu leaks seen", hunt.caught.size(), leaks.size());
  expect(hunt.caught.size() * 10 >= leaks.size() * 8, "only " + std::to_string(hunt.caught.size()) +
                                                          " of " + std::to_string(leaks.size()) +
                                                          " leaks are seen; not:" + missed);
}
