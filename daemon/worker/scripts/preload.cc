// SPDX-License-Identifier: Apache-2.0
// Running preload files as scripts.
#include "daemon/worker/scripts/preload.h"
#include "daemon/engine/engine.h"
#include "daemon/engine/entropy.h"
#include "daemon/engine/script_errors.h"
#include "daemon/engine/v8_compat.h"
#include "daemon/natives/random_state.h"

namespace lethe {

std::optional<Error> Preload::evaluate(v8::Local<v8::Context> context) const {
  v8::Isolate *isolate = context->GetIsolate();
  const v8::Context::Scope scope(context);
  if (!is_empty())
    Entropy::instance().fill(random_state(context), random_state_bytes);
  for (const File &file : files_) {
    const v8::HandleScope handles(isolate);
    const v8::TryCatch caught(isolate);
    v8::ScriptCompiler::Source source(
        to_string(isolate, file.text),
        v8_compat::script_origin(isolate, to_string(isolate, file.name), false));
    v8::Local<v8::Script> script;
    if (!v8::ScriptCompiler::Compile(context, &source, v8::ScriptCompiler::kEagerCompile)
             .ToLocal(&script))
      return describe_compile_error(context, caught, file.name);
    if (script->Run(context).IsEmpty())
      return describe_thrown(context, caught.Exception(), caught.Message());
    isolate->PerformMicrotaskCheckpoint();
  }
  return std::nullopt;
}

} // namespace lethe
