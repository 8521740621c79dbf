// SPDX-License-Identifier: Apache-2.0
// Limits: what may be asked for, and what holds when request, script and pool say different things.
#include "daemon/master/scripts/limits.h"

#include <criterion/criterion.h>

using namespace lethe;

namespace {

PoolSettings pool_with(int64_t max_deadline_ms, int64_t max_cpu_ms) {
  PoolSettings pool;
  pool.max_deadline_ms = max_deadline_ms;
  pool.max_cpu_ms = max_cpu_ms;
  return pool;
}

std::string refusal(const Limits &wanted, const PoolSettings &pool) {
  const auto over = check_limits(wanted, pool);
  cr_assert(!over || over->code == ErrorCode::invalid_request);
  return over ? over->message : "";
}

RunLimits resolve(const Limits &request, const Limits &script, const PoolSettings &pool) {
  return resolve_limits(request, script, pool, Isolation::rewind);
}

} // namespace

Test(limits, what_is_over_the_pools_is_refused_by_name) {
  const PoolSettings pool = pool_with(5000, 400);
  cr_assert_eq(refusal({.deadline_ms = 5000, .cpu_ms = 400, .memory_mb = 128}, pool), "");
  cr_assert_eq(refusal({.deadline_ms = 5001}, pool),
               "option deadline_ms is over the pool's max_deadline_ms, 5000");
  cr_assert_eq(refusal({.cpu_ms = 401}, pool), "option cpu_ms is over the pool's max_cpu_ms, 400");
  cr_assert_eq(refusal({.memory_mb = 129}, pool), "option memory_mb is over the pool's, 128");
  cr_assert_eq(refusal({.isolation = Isolation::reuse}, pool),
               "option isolation is looser than the pool's, rewind");
}

Test(limits, all_that_is_over_the_pools_is_named) {
  cr_assert_eq(refusal({.deadline_ms = 6000, .cpu_ms = 6000}, pool_with(5000, 400)),
               "option deadline_ms is over the pool's max_deadline_ms, 5000; "
               "option cpu_ms is over the pool's max_cpu_ms, 400");
}

Test(limits, zero_allows_any_time) {
  constexpr int64_t year_ms = 31'536'000'000;
  const PoolSettings pool = pool_with(0, 0);
  cr_assert_eq(refusal({.deadline_ms = year_ms, .cpu_ms = year_ms}, pool), "");
  cr_assert_eq(resolve({.deadline_ms = year_ms}, {}, pool).deadline_ms, year_ms);
  cr_assert_eq(resolve({.cpu_ms = year_ms}, {}, pool).cpu_ms, year_ms);
  cr_assert_eq(resolve({}, {}, pool).cpu_ms, 0);
}

Test(limits, the_request_goes_before_the_script_and_the_script_before_the_pool) {
  const PoolSettings pool = pool_with(60'000, 0);
  cr_assert_eq(resolve({}, {}, pool).deadline_ms, pool.deadline_ms);
  cr_assert_eq(resolve({}, {.deadline_ms = 20}, pool).deadline_ms, 20);
  cr_assert_eq(resolve({.deadline_ms = 30}, {.deadline_ms = 20}, pool).deadline_ms, 30);
}

Test(limits, a_script_gets_no_more_than_its_pool_gives_now) {
  const PoolSettings pool = pool_with(5000, 400);
  const Limits script{.deadline_ms = 20'000, .cpu_ms = 10'000, .memory_mb = 4096};
  const RunLimits limits = resolve({}, script, pool);
  cr_assert_eq(limits.deadline_ms, 5000);
  cr_assert_eq(limits.cpu_ms, 400);
  cr_assert_eq(limits.memory_mb, 128);
}

Test(limits, who_sets_no_cpu_limit_gets_the_largest) {
  PoolSettings pool = pool_with(60'000, 400);
  cr_assert_eq(resolve({}, {}, pool).cpu_ms, 400);
  pool.cpu_ms = 100;
  cr_assert_eq(resolve({}, {}, pool).cpu_ms, 100);
  cr_assert_eq(resolve({.cpu_ms = 300}, {}, pool).cpu_ms, 300);
}
