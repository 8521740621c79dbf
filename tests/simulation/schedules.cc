// SPDX-License-Identifier: Apache-2.0
// Schedules from seeds. LETHE_SEED=… runs one of them again, with its trace, and LETHE_SEEDS=… as many
// of each mix; LETHE_SIMULATE_SECONDS=… is how long any_mix looks for new ones.
#include "daemon/master/operation/log.h"
#include "tests/simulation/schedule.h"

#include <chrono>
#include <criterion/criterion.h>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <execinfo.h>
#include <fmt/format.h>

using namespace lethe;
using namespace lethe::simulation;

namespace {

constexpr Mix mixes[] = {
    {.name = "calm", .is_calm = true},
    {.name = "deaths", .deaths = 8, .slow_scripts = 20},
    {.name = "deadlines", .deaths = 200, .slow_scripts = 3, .cancels = 20},
    {.name = "lies", .deaths = 100, .lies = 10, .slow_scripts = 20},
    {.name = "kills", .kills = 20, .slow_scripts = 20},
    {.name = "zygotes", .kills = 100, .zygote_faults = 8},
    {.name = "forks", .massacres = 500, .slow_forks = 2, .lasts_s = 20},
    {.name = "hangs", .zygote_faults = 16, .massacres = 200, .slow_forks = 16, .operation = 10},
    {.name = "manners",
     .deaths = 50,
     .slow_scripts = 20,
     .slow_readers = 3,
     .clinging = 4,
     .garbage = 40,
     .leaving = 40,
     .cancels = 6,
     .large_values = 6},
    {.name = "operation", .deaths = 50, .slow_scripts = 20, .operation = 4, .reloads = 10},
    {.name = "reloads", .zygote_faults = 16, .operation = 3, .reloads = 2},
    {.name = "growth", .kills = 4, .zygote_faults = 8, .operation = 1},
    {.name = "memory", .deaths = 50, .kills = 400, .operation = 1, .reloads = 20, .layers_mb = 600},
    {.name = "stops",
     .deaths = 50,
     .slow_scripts = 10,
     .cancels = 20,
     .operation = 6,
     .early_stops = 1},
    {.name = "faults", .deaths = 4, .operation = 6, .reloads = 10, .lasts_s = 20},
    {.name = "burns", .deaths = 50, .operation = 20, .burns = 3, .lasts_s = 10},
    {.name = "everything",
     .deaths = 30,
     .lies = 100,
     .kills = 100,
     .zygote_faults = 40,
     .slow_scripts = 20,
     .slow_readers = 6,
     .clinging = 8,
     .garbage = 200,
     .leaving = 200,
     .cancels = 20,
     .operation = 20,
     .reloads = 10,
     .early_stops = 4,
     .large_values = 30,
     .burns = 30},
};

uint64_t seed_now = 0;
const char *mix_now = "";

// Where the master itself ends the process.
void tell_seed(int) {
  std::fprintf(stderr,
               "the master died: LETHE_SEED=%llu build/tests/simulation --filter 'schedules/%s'\n",
               static_cast<unsigned long long>(seed_now), mix_now);
  void *frames[40];
  backtrace_symbols_fd(frames, backtrace(frames, std::size(frames)), STDERR_FILENO);
  ::signal(SIGABRT, SIG_DFL);
  std::abort();
}

const Mix &mix_of(std::string_view name) {
  for (const Mix &mix : mixes)
    if (mix.name == name)
      return mix;
  return mixes[0];
}

// nullptr: not set.
const char *given(const char *variable) { return std::getenv(variable); }

size_t check(const Mix &mix, uint64_t seed, bool traced = false) {
  seed_now = seed;
  mix_now = mix.name;
  const Outcome outcome = run_schedule(mix, seed, traced);
  cr_assert(outcome.violation.empty(),
            "%s\n  LETHE_SEED=%llu build/tests/simulation --filter 'schedules/%s'",
            outcome.violation.c_str(), static_cast<unsigned long long>(seed), mix.name);
  return outcome.requests;
}

void prepare() {
  setenv("NOTIFY_SOCKET", "@lethe-nobody", 1); // so that the daemon does not print that it is ready
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS})
    ::signal(signal, tell_seed);
  if (given("LETHE_SEED"))
    open_log(LogLevel::info);
}

// The same schedules each time.
void check_all(const char *name, uint64_t seeds = 150) {
  prepare();
  if (const char *seed = given("LETHE_SEED"))
    return void(check(mix_of(name), std::strtoull(seed, nullptr, 10), true));
  if (const char *wanted = given("LETHE_SEEDS"))
    seeds = std::strtoull(wanted, nullptr, 10);
  for (uint64_t seed = 1; seed <= seeds; ++seed)
    check(mix_of(name), seed);
}

} // namespace

Test(schedules, calm) { check_all("calm"); }
Test(schedules, deaths) { check_all("deaths"); }
Test(schedules, deadlines) { check_all("deadlines"); }
Test(schedules, lies) { check_all("lies"); }
Test(schedules, kills) { check_all("kills"); }
Test(schedules, zygotes) { check_all("zygotes"); }
Test(schedules, forks) { check_all("forks"); }
Test(schedules, hangs) { check_all("hangs"); }
Test(schedules, manners) { check_all("manners"); }
Test(schedules, operation) { check_all("operation"); }
Test(schedules, reloads) { check_all("reloads"); }
Test(schedules, growth) { check_all("growth"); }
Test(schedules, memory) { check_all("memory"); }
Test(schedules, stops) { check_all("stops", 600); }
Test(schedules, faults) { check_all("faults"); }
Test(schedules, burns) { check_all("burns"); }
Test(schedules, everything) { check_all("everything"); }

// Others each time.
Test(simulation, any_mix_holds_the_invariants) {
  prepare();
  const char *seconds = given("LETHE_SIMULATE_SECONDS"),
             *schedules = given("LETHE_SIMULATE_SCHEDULES");
  using Steady = std::chrono::steady_clock;
  const auto begin = Steady::now();
  const auto end = begin + std::chrono::seconds(seconds ? std::atoi(seconds) : 5);
  const uint64_t limit = schedules ? std::strtoull(schedules, nullptr, 10) : UINT64_MAX;
  const auto first = static_cast<uint64_t>(std::time(nullptr)) * 1'000'000;
  uint64_t count = 0, requests = 0;
  while (schedules ? count < limit : Steady::now() < end) {
    const uint64_t seed = first + count;
    requests += check(mixes[count++ % std::size(mixes)], seed);
  }
  const double took = std::chrono::duration<double>(Steady::now() - begin).count();
  std::fprintf(stderr, "simulated %llu schedules with %llu requests in %.1f s\n",
               static_cast<unsigned long long>(count), static_cast<unsigned long long>(requests),
               took);
}

Test(simulation, a_seed_gives_the_same_schedule_again) {
  prepare();
  for (const Mix &mix : mixes)
    for (uint64_t seed = 1; seed <= 10; ++seed) {
      const Outcome once = run_schedule(mix, seed), again = run_schedule(mix, seed);
      cr_assert(once.trace == again.trace && once.requests == again.requests, "%s %llu", mix.name,
                static_cast<unsigned long long>(seed));
    }
}
