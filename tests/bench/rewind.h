// SPDX-License-Identifier: Apache-2.0
// What the rewind costs, and how that compares with the classic ways to a clean state.
#pragma once

#include "tests/bench/measurements.h"

namespace lethe::bench {

// For the tiny call, the login flow with its largest contexts, and calls that touch 10 MB:
// {KIND: {rewind_us: {p50, p99, mean}, pages, faults, tiny_right_after_us}}.
json rewind_cost(const Effort &effort);

// Against touched memory and the number of resident scripts, for each way of finding changed pages:
// [{row: [what, how much], METHOD: {rewind_us, request_us, replaced}}, …].
json rewind_table(const Effort &effort);

// The worker's CPU time for a tiny call and all that restores a clean state, beside a new context
// and a new isolate for each: {WAY: {cpu_us_1, cpu_us_16, p50_us_…, per_second_…, cpu_to_rewind}},
// at 1 and at 16 in flight.
json clean_state_ways(const Effort &effort);

// A tiny call with 1 to 64 workers and 1 to 100 scripts: [{workers, scripts, cpu_us (of the workers, for
// a request), rewind_us, pages, per_second}, …], and as a table on standard output.
json curve(const Effort &effort);
void print_curve(const json &rows);

// The first three, as tables on standard output.
json rewind_figures(const Effort &effort);

} // namespace lethe::bench
