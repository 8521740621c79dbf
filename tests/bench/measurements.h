// SPDX-License-Identifier: Apache-2.0
// What the benchmark measures. Each function takes the daemons that it needs, or starts its own.
#pragma once

#include "tests/bench/load.h"
#include "tests/harness/daemon.h"

#include <memory>
#include <string>
#include <vector>

namespace lethe::bench {

using test::json;

// What people are advised to do.
constexpr size_t login_warm_ups = 1;

// How long and how often: the quick run of a test, or the one whose figures are quoted.
struct Effort {
  std::chrono::milliseconds slice; // of one target in one round
  int rounds;                      // interleaved; medians are over the rounds
  int repetitions;                 // of what is timed one by one
};

// Something that answers requests at a socket: the floor, or a daemon in one mode of isolation.
struct Target {
  std::string name; // "floor", "reuse", …
  std::string socket_path;
};

// {target: {in_flight: {p50_us, p90_us, p99_us, p999_us, per_second, ratio to the floor …}}}: all
// targets in turn, round by round.
json throughput(const std::vector<Target> &targets, const std::string &request,
                const Effort &effort);

// Milliseconds between the deadline and the error's arrival, for a loop that can be interrupted and
// for a regular expression.
json deadline_lateness(const std::string &isolation, const Effort &effort);

// Milliseconds from SIGKILL of a worker until the pool has as many again that are ready.
json replacement(const std::string &isolation, const Effort &effort);

// Milliseconds from the start of lethed to the first reply, with and without cached snapshot.
json start_to_first_reply(const Effort &effort);

// Pools with 1, 10, … scripts, at most so many, tiny ones and ones of 100 kB: [{scripts, bytes (of each),
// put_many_ms (each, put together), put_ms, memory_kb (PSS of the service), start_ms (to the first reply),
// first_call_ms (after the start), uniform_us, zipf_us (calls of scripts at random)}, …], and as a table.
json many_scripts(const Effort &effort, size_t most);
void print_many_scripts(const json &rows);

// {idle, flooded: {p50_us, p99_us, most_us, calls, failed}}: one user's calls, each with a deadline of
// flood_deadline_ms, while another user floods the daemon with all there is. Nothing if this is not root.
constexpr int64_t flood_deadline_ms = 100;
json flood(const Effort &effort);

// kB of an idle worker that has run nothing: PSS and private dirty memory.
json idle_worker_memory(const std::string &isolation);

// The relay and the echo, as processes of their own.
class Floor {
public:
  explicit Floor(size_t message_bytes);
  Target target() const { return {"floor", folder_.path() / "relay"}; }

private:
  test::ScratchFolder folder_;
  std::unique_ptr<test::Process> echo_, relay_;
};

} // namespace lethe::bench
