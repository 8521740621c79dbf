// SPDX-License-Identifier: Apache-2.0
// Evaluates the prelude and the preload files into a startup snapshot, in a process of its own.
#pragma once

#include "ipc/error.h"
#include "snapshot/cache.h"

#include <cstdint>
#include <string>
#include <vector>

namespace lethe {

struct BuildLimits {
  uint32_t deadline_ms = 10000;
  uint32_t memory_mb = 512;
};

struct BuiltSnapshot {
  std::string about; // MessagePack map: v8, flags, build_id, created, preload, evaluated, globals
  std::string blob;
  // What the preload files leave behind that V8 can't store: the blob does without these files, which
  // are to be evaluated in each context that is made of it. Empty: it has them.
  std::string unstorable{};
};

// Whatever a preload file does, an error comes back: with `script`, `line`, `column` and
// `source_line` as far as they are known. To be called before V8 is started in this process.
Result<BuiltSnapshot> build_snapshot(const std::vector<PreloadFile> &preload,
                                     const BuildLimits &limits);

} // namespace lethe
