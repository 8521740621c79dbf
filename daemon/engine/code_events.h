// SPDX-License-Identifier: Apache-2.0
// Counts what V8 compiles.
#pragma once

#include "daemon/engine/globals.h"

#include <cstdint>
#include <utility>
#include <v8.h>

namespace lethe {

// As long as this is there; one at a time. A zygote has one from its start on, and so have its workers,
// where each rewind sets the counts back. V8 tells of all that it adds: of functions in bytecode,
// of machine code of both compilers and of regular expressions. It does not tell of code that it
// gives up, but of what it then compiles again.
class CodeEvents {
public:
  struct Counts {
    uint64_t machine_code = 0, bytecode = 0;
    uint64_t all() const { return machine_code + bytecode; }
  };

  explicit CodeEvents(v8::Isolate *isolate) : isolate_(isolate) {
    process_globals.code_events = this;
    isolate_->SetJitCodeEventHandler(v8::kJitCodeEventDefault, [](const v8::JitCodeEvent *event) {
      if (event->type == v8::JitCodeEvent::CODE_ADDED)
        process_globals.code_events->count(event->code_type);
    });
  }
  CodeEvents(const CodeEvents &) = delete;
  ~CodeEvents() {
    isolate_->SetJitCodeEventHandler(v8::kJitCodeEventDefault, nullptr);
    process_globals.code_events = nullptr;
  }

  const Counts &counts() const { return counts_; }

private:
  void count(v8::JitCodeEvent::CodeType type) {
    ++(type == v8::JitCodeEvent::BYTE_CODE ? counts_.bytecode : counts_.machine_code);
  }

  v8::Isolate *isolate_;
  Counts counts_;
};

} // namespace lethe
