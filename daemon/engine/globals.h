// SPDX-License-Identifier: Apache-2.0
// Everything of a zygote or worker that is global, and why it has to be. What is computed once and
// never changes (flags, tables of names, the page size) is not counted.
//
// Three are objects of their own, reached by instance():
//   Entropy     survives each rewind: its random bytes must not come back
//   Interrupts  handlers of signals need it, and they get no context
//   OpenSsl     what libcrypto has fetched, for every isolate and test; never changes afterwards
// fault_point.h has the faults that a test has armed, which all code may ask about.
#pragma once

#include <atomic>
#include <cstdint>
#include <v8.h>

namespace lethe {

class Arena;
class CodeEvents;
class Debugger;
class MemoryLimits;
class SingleThreadPlatform;
struct Surface;
struct WorkerPage;

// In memory that is rewound: each is set before the checkpoint, or by a process that does not
// rewind.
struct Globals {
  SingleThreadPlatform *platform = nullptr; // V8 has one for the process; never destroyed
  Arena *arena = nullptr;                   // mmap and its like, called by V8, get no context
  MemoryLimits *memory = nullptr;           // nor does V8's handler for fatal errors
  const Surface *surface = nullptr;         // of every context; none: all of JavaScript

  CodeEvents *code_events = nullptr; // nor does its handler of code events; from the start on

  // For handlers of signals.
  int channel = -1;           // to the master
  int master = -1;            // its pidfd; inherited by grown zygotes
  WorkerPage *page = nullptr; // for a violation of the sandbox
  Debugger *debugger = nullptr;
  std::atomic<bool> has_debug_input{false};
  v8::Isolate *profiled = nullptr; // whose call is stopped when its time is over
  std::atomic<bool> profile_is_over{false};
};
inline constinit Globals process_globals;

// What V8 keeps with an isolate for us: its native functions get no other context.
enum class IsolateSlot : uint32_t { names, host, tasks, codecs };

inline void set_slot(v8::Isolate *isolate, IsolateSlot slot, void *object) {
  isolate->SetData(static_cast<uint32_t>(slot), object);
}
// Null: nobody has set it.
template <typename Object> Object *from_slot(v8::Isolate *isolate, IsolateSlot slot) {
  return static_cast<Object *>(isolate->GetData(static_cast<uint32_t>(slot)));
}

} // namespace lethe
