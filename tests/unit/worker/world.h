// SPDX-License-Identifier: Apache-2.0
// V8 with a context to evaluate in, for tests: as in a zygote, without its processes.
#pragma once

#include "daemon/engine/memory/arena.h"
#include "daemon/engine/memory_limits.h"
#include "daemon/engine/names.h"
#include "daemon/natives/codecs.h"
#include "daemon/worker/scripts/runner.h"
#include "ipc/hex.h"
#include "snapshot/builder.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace lethe::test {

// One in a process: Criterion gives each test its own.
class World {
public:
  explicit World(const std::vector<PreloadFile> &preload = {}, size_t memory_mb = 128);

  // The result as MessagePack; or the error as "code: message at path".
  std::string eval(std::string_view source, std::string_view globals = "\xc0");
  v8::Isolate *isolate() const { return isolate_; }

  ValueLimits limits{16, size_t{1} << 20};

private:
  BuiltSnapshot built_;
  v8::StartupData blob_;
  Arena arena_;
  std::unique_ptr<MemoryLimits> memory_;
  v8::Isolate *isolate_;
  std::unique_ptr<Names> names_;
  std::unique_ptr<Codecs> codecs_;
};

} // namespace lethe::test
