// SPDX-License-Identifier: Apache-2.0
// Collections, by what V8's interface has for them.
#include "daemon/engine/garbage.h"

#include <string_view>

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

size_t young_bytes(v8::Isolate *isolate) {
  size_t bytes = 0;
  for (size_t i = 0; i < isolate->NumberOfHeapSpaces(); ++i) {
    v8::HeapSpaceStatistics space;
    isolate->GetHeapSpaceStatistics(&space, i);
    if (std::string_view(space.space_name()).starts_with("new_"))
      bytes += space.space_used_size();
  }
  return bytes;
}

} // namespace lethe
