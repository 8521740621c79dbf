// SPDX-License-Identifier: Apache-2.0
// Starts V8 from a snapshot that was just built.
#include "tests/unit/worker/world.h"
#include "daemon/engine/interrupts.h"
#include "daemon/natives/natives.h"

namespace lethe::test {
namespace {

constexpr size_t arena_bytes = size_t{4} << 30;

BuiltSnapshot must_build(const std::vector<PreloadFile> &preload) {
  auto built = build_snapshot(preload, {});
  if (!built)
    fatal("the test's snapshot can be built: " + built.error().message);
  return *built;
}

} // namespace

World::World(const std::vector<PreloadFile> &preload, size_t memory_mb)
    : built_(must_build(preload)), blob_{built_.blob.data(), static_cast<int>(built_.blob.size())},
      arena_(arena_bytes) {
  start_v8(arena_);
  memory_ = std::make_unique<MemoryLimits>(memory_mb << 20, arena_);
  isolate_ = new_isolate(blob_, external_references(), memory_.get(), memory_mb << 20);
  isolate_->Enter();
  const v8::HandleScope handles(isolate_);
  names_ = std::make_unique<Names>(isolate_);
  codecs_ = std::make_unique<Codecs>(isolate_);
  Interrupts::instance().attach(isolate_);
  memory_->attach(isolate_);
}

std::string World::eval(std::string_view source, std::string_view globals) {
  Scripts scripts;
  Runner runner(isolate_, scripts, *memory_, limits);
  const v8::HandleScope handles(isolate_);
  runner.prepare_eval();
  Buffer output;
  Runner::Waiter nobody;
  memory_->begin(0);
  Interrupts::instance().arm(1, 0);
  const auto failed = runner.eval(source, globals, output, nobody);
  Interrupts::instance().disarm();
  if (!failed)
    return std::string(output.view());
  std::string text(error_name(failed->error.code));
  text += ": " + failed->error.message;
  for (const auto &[key, value] : failed->error.keys)
    if (key == "path")
      text += " at " + std::get<std::string>(value);
  return text;
}

} // namespace lethe::test
