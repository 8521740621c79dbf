// SPDX-License-Identifier: Apache-2.0
// Linking and evaluating modules.
#include "daemon/worker/modules.h"
#include "daemon/worker/engine.h"
#include "daemon/worker/groups.h"
#include "daemon/worker/scripts.h"

namespace lethe {

ModuleLoader::ModuleLoader(v8::Local<v8::Context> context, const Scripts &scripts)
    : isolate_(context->GetIsolate()), context_(context), scripts_(scripts) {
  isolate_->SetData(slot, this);
}

ModuleLoader::~ModuleLoader() { isolate_->SetData(slot, nullptr); }

v8::MaybeLocal<v8::Module> ModuleLoader::compile(std::string_view name, std::string_view source) {
  v8::ScriptCompiler::Source code(
      to_string(isolate_, source),
      v8_compat::script_origin(isolate_, to_string(isolate_, name), true));
  v8::Local<v8::Module> module;
  // V8 takes modules lazily only; classic scripts are compiled eagerly.
  if (!v8::ScriptCompiler::CompileModule(isolate_, &code).ToLocal(&module))
    return {};
  modules_.emplace(name, module);
  touch_globals(context_, source);
  return module;
}

v8::MaybeLocal<v8::Module> ModuleLoader::resolve(v8::Local<v8::Context> context,
                                                 v8::Local<v8::String> specifier,
                                                 v8::Local<v8::FixedArray>, v8::Local<v8::Module>) {
  v8::Isolate *isolate = context->GetIsolate();
  auto &self = *static_cast<ModuleLoader *>(isolate->GetData(slot));
  const std::string name = to_text(isolate, specifier);
  if (const auto known = self.modules_.find(name); known != self.modules_.end())
    return known->second;
  const Script *script = self.scripts_.find(name);
  if (script && script->definition().is_module)
    return self.compile(name, script->definition().source);
  const std::string reason =
      script ? "'" + name + "' is not a module: put it with the option `module`"
             : "there is no script '" + name + "' to import: put it before those that import it";
  isolate->ThrowException(v8::Exception::Error(to_string(isolate, reason)));
  return {};
}

v8::MaybeLocal<v8::Module> ModuleLoader::link(std::string_view name, std::string_view source) {
  v8::Local<v8::Module> module;
  if (!compile(name, source).ToLocal(&module) ||
      !module->InstantiateModule(context_, resolve).FromMaybe(false))
    return {};
  return module;
}

bool ModuleLoader::evaluate(v8::Local<v8::Module> module) {
  v8::Local<v8::Value> result;
  if (!module->Evaluate(context_).ToLocal(&result))
    return false;
  isolate_->PerformMicrotaskCheckpoint();
  if (!result->IsPromise())
    return true;
  // With top-level await the outcome is in a promise.
  const auto promise = result.As<v8::Promise>();
  if (promise->State() == v8::Promise::kFulfilled)
    return true;
  const bool rejected = promise->State() == v8::Promise::kRejected;
  isolate_->ThrowException(
      rejected ? promise->Result()
               : v8::Exception::Error(to_string(
                     isolate_, "the module awaits something that never comes while it is loaded")));
  return false;
}

} // namespace lethe
