// SPDX-License-Identifier: Apache-2.0
// Runs scripts that try to leave something behind, and looks for what they left.
#pragma once

#include "tests/harness/client.h"
#include "tests/rewind/sources.h"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace lethe::test {

// Where the scripts run: in eval's context, or in that of a resident script.
enum class World { eval, resident };

struct Hunt {
  std::map<std::string, std::string> caught; // leak -> what was seen
  std::vector<std::string> unobserved; // another worker answered the probes: they prove nothing
};

// For each leak four requests in a row: the leak, the digest of everything reachable, the leak once
// more, its probe. Nothing was left if the digest and the probe are what they were before any leak,
// and the leak had the same outcome twice. The daemon must have one worker.
class Hunter {
public:
  // Puts the resident script; takes the digest of the virgin world.
  Hunter(Client &client, World world, unsigned deadline_ms = 10'000);

  // `in_flight` leaks are on their way at the same time; before each of them `before` is called.
  Hunt hunt(
      const std::vector<Leak> &leaks, size_t in_flight,
      const std::function<void()> &before = [] {});

  // Those that js/tampering.js makes of the built-in objects that are there: each `step`th.
  std::vector<Leak> tamperings(size_t step);

private:
  struct Trial {
    const Leak *leak;
    uint32_t first, digest, second, probe;
  };
  // Workers that have answered nothing yet, by a new generation.
  void renew_workers();
  json options() const;
  uint32_t start(const std::string &source);
  uint32_t start_digest();
  Trial start_trial(const Leak &leak);
  void finish_trial(const Trial &trial, Hunt &hunt);
  const Reply &virgin_answer(const std::string &probe);

  Client &client_;
  World world_;
  unsigned deadline_ms_;
  std::string digest_source_;
  Reply virgin_digest_;
  std::map<std::string, Reply> virgin_answers_;
  unsigned generations_ = 0;
};

} // namespace lethe::test
