// SPDX-License-Identifier: Apache-2.0
// Contexts from the startup snapshot.
#include "daemon/engine/garbage.h"
#include "daemon/engine/surface.h"
#include "daemon/engine/v8_compat.h"
#include "tests/unit/worker/world.h"

#include <criterion/criterion.h>

using namespace lethe;
using namespace lethe::test;

namespace {

int collections = 0;

void count(v8::Isolate *, v8::GCType, v8::GCCallbackFlags) { ++collections; }

} // namespace

// What V8 10.2 does not survive, and later ones do. Outside of the heap there may be far more: buffers
// and WebAssembly's memories.
#if V8_MAJOR_VERSION < 11
Test(contexts, none_is_made_while_v8_collects_however_much_there_is_outside_of_the_heap) {
  constexpr int64_t bytes_outside = int64_t{20} << 20; // for each one more
  const World world;
  v8::Isolate *const isolate = world.isolate();
  const v8::HandleScope handles(isolate);
  collect_garbage(isolate); // V8's own goal is what there is now, and some more
  isolate->AddGCPrologueCallback(count, v8::kGCTypeMarkSweepCompact);
  for (int contexts = 0; contexts < 100; ++contexts) {
    const v8::HandleScope dropped(isolate);
    isolate->AdjustAmountOfExternalAllocatedMemory(bytes_outside); // may collect, too
    v8_compat::collect_before_context(isolate); // so that it need not collect once more
    collections = 0;
    cr_assert_not(new_context(isolate).IsEmpty());
    cr_assert_eq(collections, 0, "context %d", contexts);
  }
}
#endif
