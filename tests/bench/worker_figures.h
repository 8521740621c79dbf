// SPDX-License-Identifier: Apache-2.0
// What is known of a worker from outside: the daemon's statistics of its rewinds, and /proc.
#pragma once

#include "tests/harness/client.h"

#include <cstdint>
#include <sys/types.h>

namespace lethe::bench {

struct WorkerFigures {
  int64_t worker = 0; // its id: another one if it was replaced
  pid_t pid = 0;
  uint64_t rewinds = 0, rewind_ns = 0, rewind_pages = 0, faults = 0;
};

// Of the one worker (the newest) of the pool "default".
WorkerFigures worker_figures(test::Client &client);

// Of all workers of the pool "default" together.
struct PoolFigures {
  uint64_t rewinds = 0, rewind_ns = 0, rewind_pages = 0;
  double cpu_us = 0;
};
PoolFigures pool_figures(test::Client &client);

// The time that the process was on a processor.
double cpu_time_us(pid_t pid);

} // namespace lethe::bench
