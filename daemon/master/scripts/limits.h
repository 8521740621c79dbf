// SPDX-License-Identifier: Apache-2.0
// What a request and a script may ask for, and what then holds for one run.
#pragma once

#include "daemon/master/operation/settings.h"

#include <optional>

namespace lethe {

// Limits that a request or a script may set; what is absent comes from the next one: request,
// script, pool.
struct Limits {
  std::optional<int64_t> deadline_ms, cpu_ms, memory_mb;
  std::optional<Isolation> isolation;
};

// What holds for one run, all told. `cpu_ms` 0: no limit.
struct RunLimits {
  int64_t deadline_ms, cpu_ms, memory_mb;
  Isolation isolation;
};

// Only for what the pool gives may one ask. The error names each option that is over, and the
// pool's limit.
std::optional<Error> check_limits(const Limits &wanted, const PoolSettings &pool);

// Never more than the pool gives, whatever a script was registered with when its pool gave more.
// `in_force` is the isolation that the pool's workers are able to.
RunLimits resolve_limits(const Limits &request, const Limits &script, const PoolSettings &pool,
                         Isolation in_force);

} // namespace lethe
