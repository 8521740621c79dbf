// SPDX-License-Identifier: Apache-2.0
// What is asked for against what a pool gives.
#include "daemon/master/scripts/limits.h"

#include <algorithm>
#include <fmt/format.h>

namespace lethe {
namespace {

// Nobody may have more than `most`, nor no limit at all; both are 0 where there is none.
int64_t within(int64_t limit, int64_t most) {
  if (most == 0)
    return limit;
  return limit == 0 ? most : std::min(limit, most);
}

} // namespace

std::optional<Error> check_limits(const Limits &wanted, const PoolSettings &pool) {
  std::string over;
  const auto add = [&](const std::string &text) { over += (over.empty() ? "" : "; ") + text; };
  const auto compare = [&](std::string_view option, std::optional<int64_t> value,
                           std::string_view setting, int64_t most) {
    if (value && within(*value, most) != *value)
      add(fmt::format("option {} is over the pool's{}, {}", option, setting, most));
  };
  compare("deadline_ms", wanted.deadline_ms, " max_deadline_ms", pool.max_deadline_ms);
  compare("cpu_ms", wanted.cpu_ms, " max_cpu_ms", pool.max_cpu_ms);
  compare("memory_mb", wanted.memory_mb, "", pool.memory_mb);
  if (wanted.isolation && *wanted.isolation < pool.isolation)
    add(fmt::format("option isolation is looser than the pool's, {}", name_of(pool.isolation)));
  if (over.empty())
    return std::nullopt;
  return Error(ErrorCode::invalid_request, over);
}

RunLimits resolve_limits(const Limits &request, const Limits &script, const PoolSettings &pool,
                         Isolation in_force) {
  const auto choose = [&](std::optional<int64_t> Limits::*field, int64_t otherwise) {
    return (request.*field).value_or((script.*field).value_or(otherwise));
  };
  RunLimits limits{
      .deadline_ms = within(choose(&Limits::deadline_ms, pool.deadline_ms), pool.max_deadline_ms),
      .cpu_ms = within(choose(&Limits::cpu_ms, pool.cpu_ms), pool.max_cpu_ms),
      .memory_mb = std::min(choose(&Limits::memory_mb, pool.memory_mb), pool.memory_mb),
      .isolation = in_force};
  // The values go from loose to strict: the largest is in force.
  for (const Limits *wanted : {&request, &script})
    if (wanted->isolation)
      limits.isolation = std::max(limits.isolation, *wanted->isolation);
  return limits;
}

} // namespace lethe
