// SPDX-License-Identifier: Apache-2.0
// Collections, by what V8's interface has for them.
#include "daemon/engine/garbage.h"

namespace lethe {

void collect_garbage(v8::Isolate *isolate) {
  isolate->LowMemoryNotification();
  // V8 sweeps a page only when it needs room in it, and each request would do that again. For these
  // statistics it goes through all objects, and therefore sweeps all pages now.
  v8::HeapCodeStatistics code;
  isolate->GetHeapCodeAndMetadataStatistics(&code);
}

void collect_young_garbage(v8::Isolate *isolate) {
  // Scripts would find a function `gc`: in contexts that are made while the flag is set.
  v8::V8::SetFlagsFromString("--expose-gc");
  for (int i = 0; i < 2; ++i) // what survives the first is still young
    isolate->RequestGarbageCollectionForTesting(v8::Isolate::kMinorGarbageCollection);
  v8::V8::SetFlagsFromString("--no-expose-gc");
}

} // namespace lethe
