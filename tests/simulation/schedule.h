// SPDX-License-Identifier: Apache-2.0
// One schedule: the whole master, with simulated processes and clients, from its start to its stop.
#pragma once

#include "daemon/master/server.h"
#include "tests/simulation/client.h"
#include "tests/simulation/kernel.h"

#include <memory>
#include <string>
#include <vector>

namespace lethe::simulation {

struct Outcome {
  std::string violation; // empty: every invariant held
  uint64_t trace;        // equal for two runs of the same schedule
  size_t requests;
};

class Schedule {
public:
  Schedule(const Mix &mix, uint64_t seed, bool traced);
  ~Schedule();
  Outcome run();

private:
  void choose_settings();
  void add_clients();
  void strike_later(int &strikes, uint64_t mean_ms, void (SimulatedKernel::*strike)());
  void calm_down();
  void probe();
  bool has_its_workers(const Pool &pool) const;
  void nothing_is_kept_of_who_is_gone();
  void stop_daemon();
  bool all_is_done() const;
  void pass(const std::function<bool()> &until);
  void limits_hold();
  void counters_add_up();
  int64_t latency_us();

  World world_;
  SimulatedKernel kernel_{world_};
  Settings settings_;
  SettingsSources sources_;
  std::unique_ptr<Server> server_;
  std::vector<std::unique_ptr<SimulatedClient>> clients_;
  int kills_ = 0, massacres_ = 0;
  bool is_served_ = false, stops_ = false;
  int64_t stop_us_ = INT64_MAX;
};

// Runs it, and sees to it that no descriptor is left open.
Outcome run_schedule(const Mix &mix, uint64_t seed, bool traced = false);

} // namespace lethe::simulation
