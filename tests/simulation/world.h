// SPDX-License-Identifier: Apache-2.0
// What all simulated processes and clients of a schedule have in common.
#pragma once

#include "ipc/file_descriptor.h"
#include "tests/simulation/books.h"
#include "tests/simulation/random.h"
#include "tests/simulation/timeline.h"

#include <vector>

namespace lethe::simulation {

// What may go wrong, and how much, in a schedule. Numbers are "one in so many"; 0: never.
struct Mix {
  const char *name;
  bool is_calm = false;       // nothing goes wrong
  uint64_t deaths = 0;        // of a worker, with a request
  uint64_t lies = 0;          // of a worker, with a request
  uint64_t kills = 0;         // of any process, from outside: one in so many ms
  uint64_t zygote_faults = 0; // it dies, hangs or does not load, with a message
  uint64_t slow_scripts = 0;  // beyond their deadline
  uint64_t massacres = 0;     // of most workers together, from outside: one in so many ms
  uint64_t slow_forks = 0;    // a zygote takes its time for the next one
  uint64_t slow_readers = 0;  // clients that do not read for a while
  uint64_t clinging = 0;      // clients that read no more, or end no message, for good
  uint64_t garbage = 0;       // bytes of a client that are no message
  uint64_t leaving = 0;       // clients that disconnect in the middle
  uint64_t cancels = 0;       // a request is cancelled
  uint64_t operation = 0;     // of a message: scripts, pause, drain, stats …
  uint64_t reloads = 0;       // of a message of operation
  uint64_t early_stops = 0;   // the daemon stops while requests run
  uint64_t large_values = 0;  // results that fill sockets
  uint64_t burns = 0;         // a worker computes on after a reply
  int64_t layers_mb = 0;      // of the largest script; 0: there are no layers
  int64_t lasts_s = 0;        // the daemon goes on at least so long
};

class Ear;

// Who has something to read: asked after each of the master's rounds.
class Ears {
public:
  Ears();
  void add(Ear &ear, int descriptor);
  // Lets each that was sent something hear it after a while.
  void prick();

private:
  FileDescriptor epoll_;
};

struct World {
  World(const Mix &its_mix, uint64_t seed, bool traced)
      : mix(its_mix), timeline(traced), random(seed) {}
  bool happens(uint64_t one_in) { return one_in > 0 && !is_quiet && random.one_in(one_in); }

  const Mix &mix;
  Timeline timeline;
  Random random;
  Books books;
  Ears ears;
  std::vector<int64_t> faults_us; // when a worker that the master knows ended by a fault
  size_t burners = 0;             // workers that have computed with nothing to do
  bool is_quiet = false;          // nothing goes wrong any more
};

// The far end of one of the master's sockets. It hears some time after the master has spoken.
class Ear {
public:
  explicit Ear(World &world) : world_(world) {}
  Ear(const Ear &) = delete;
  virtual ~Ear() = default;
  void prick(); // it will hear; more than once is once

protected:
  // Reads what is there, or a part of it and pricks itself again.
  virtual void hear() = 0;
  virtual int64_t hearing_us() { return world_.random.delay_us(30, 400); }
  World &world_;

private:
  bool pricked_ = false;
};

} // namespace lethe::simulation
