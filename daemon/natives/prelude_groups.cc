// SPDX-License-Identifier: Apache-2.0
// Lazy groups: their state in a context is an object under a private name of the global object,
// {functions: {group: function}, modules: {group: {exports}}, natives, intrinsics, require}.
#include "daemon/natives/prelude_groups.h"
#include "daemon/engine/engine.h"
#include "daemon/natives/native_arguments.h"
#include "daemon/natives/prelude.h"
#include "ipc/error.h"
#include "ipc/invariant.h"
#include "ipc/words.h"

#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace lethe {
namespace {

constexpr std::string_view import_prefix = "lethe:";
constexpr std::string_view warm_up_name = "warmUp"; // what a group may export
// Made by snapshot/prelude/intrinsics, before all others.
constexpr std::string_view intrinsics_group = "intrinsics";

// Global name → group.
using GlobalsMap = std::unordered_map<std::string_view, std::string_view>;
const GlobalsMap &lazy_global_groups() {
  static const GlobalsMap map = [] {
    GlobalsMap all;
    for (const auto table : {lazy_globals(), node_globals()})
      for (const LazyGlobals &row : table)
        for_each_word(row.names, [&](std::string_view name) { all.emplace(name, row.group); });
    return all;
  }();
  return map;
}

v8::Local<v8::Private> state_key(v8::Isolate *isolate) {
  return v8::Private::ForApi(isolate, to_name(isolate, "lethe.groups"));
}

// Without a prototype: nothing that a script does changes what is found in it.
v8::Local<v8::Object> plain_object(v8::Isolate *isolate) {
  return v8::Object::New(isolate, v8::Null(isolate), nullptr, nullptr, 0);
}

void put(v8::Local<v8::Context> context, v8::Local<v8::Object> object, std::string_view name,
         v8::Local<v8::Value> value) {
  object->CreateDataProperty(context, to_name(context->GetIsolate(), name), value).Check();
}

v8::Local<v8::Object> get(v8::Local<v8::Context> context, v8::Local<v8::Object> object,
                          std::string_view name) {
  v8::Local<v8::Value> value;
  invariant(object->Get(context, to_name(context->GetIsolate(), name)).ToLocal(&value) &&
                value->IsObject(),
            "the state of the prelude's groups is objects");
  return value.As<v8::Object>();
}

// What the group exports; runs it unless that has been done in this context. A group that is being
// run, because two import each other, gives what it has so far.
v8::MaybeLocal<v8::Object> load_group(v8::Local<v8::Context> context, v8::Local<v8::String> name) {
  v8::Isolate *isolate = context->GetIsolate();
  v8::Local<v8::Value> stored;
  invariant(context->Global()->GetPrivate(context, state_key(isolate)).ToLocal(&stored) &&
                stored->IsObject(),
            "each context has the prelude's groups");
  const auto state = stored.As<v8::Object>();
  const auto modules = get(context, state, "modules");
  const auto known = modules->Get(context, name).ToLocalChecked();
  if (known->IsObject())
    return get(context, known.As<v8::Object>(), "exports");
  const auto function = get(context, state, "functions")->Get(context, name).ToLocalChecked();
  if (!function->IsFunction())
    fatal("the prelude imports groups that there are: " + to_text(isolate, name));
  const auto module = plain_object(isolate), exports = plain_object(isolate);
  put(context, module, "exports", exports);
  modules->CreateDataProperty(context, name, module).Check();
  v8::Local<v8::Value> arguments[] = {get(context, state, "require"), exports, module,
                                      get(context, state, "natives"),
                                      get(context, state, "intrinsics")};
  if (function.As<v8::Function>()
          ->Call(context, v8::Undefined(isolate), static_cast<int>(std::size(arguments)), arguments)
          .IsEmpty()) {
    // Stopped, out of stack, or met by prototypes of a script's making: the next use tries again.
    modules->Delete(context, name).FromMaybe(false);
    return {};
  }
  return get(context, module, "exports");
}

// require("lethe:NAME")
void require(const v8::FunctionCallbackInfo<v8::Value> &arguments) {
  if (!has_arguments<v8::String>(arguments))
    return;
  v8::Isolate *isolate = arguments.GetIsolate();
  const std::string name = to_text(isolate, arguments[0].As<v8::String>());
  if (!name.starts_with(import_prefix))
    fatal("a group imports groups only, not " + name);
  v8::Local<v8::Object> exports;
  if (load_group(isolate->GetCurrentContext(), to_name(isolate, name.substr(import_prefix.size())))
          .ToLocal(&exports))
    arguments.GetReturnValue().Set(exports);
}

// The getter of each lazy global name; V8 then makes an ordinary property of it.
void first_use(v8::Local<v8::Name> name, const v8::PropertyCallbackInfo<v8::Value> &info) {
  v8::Isolate *isolate = info.GetIsolate();
  const auto context = v8_compat::holder(info)->GetCreationContext().ToLocalChecked();
  const v8::Context::Scope scope(context);
  const auto found = lazy_global_groups().find(to_text(isolate, name.As<v8::String>()));
  v8::Local<v8::Object> exports;
  v8::Local<v8::Value> value;
  if (load_group(context, to_name(isolate, found->second)).ToLocal(&exports) &&
      exports->Get(context, name).ToLocal(&value))
    info.GetReturnValue().Set(value);
}

void define_lazily(v8::Local<v8::Context> context, std::span<const LazyGlobals> rows) {
  for (const LazyGlobals &row : rows)
    for_each_word(row.names, [&](std::string_view name) {
      context->Global()
          ->SetLazyDataProperty(context, to_name(context->GetIsolate(), name), first_use, {},
                                v8::DontEnum)
          .Check();
    });
}

// A group's source stays in the program's file, where all processes share it: no snapshot, heap or
// fork carries a copy.
class GroupSource final : public v8::String::ExternalOneByteStringResource {
public:
  explicit GroupSource(const PreludeGroup &group) : group_(group) {}
  std::string_view name() const { return group_.name; }
  const char *data() const override { return group_.text.data(); }
  size_t length() const override { return group_.text.size(); }
  void Dispose() override {} // never
private:
  PreludeGroup group_;
};

std::vector<GroupSource> &group_sources() {
  static std::vector<GroupSource> sources(prelude_groups().begin(), prelude_groups().end());
  return sources;
}

v8::Local<v8::Value> compile(v8::Local<v8::Context> context, GroupSource &group) {
  v8::Isolate *isolate = context->GetIsolate();
  v8::ScriptCompiler::Source source(
      v8::String::NewExternalOneByte(isolate, &group).ToLocalChecked(),
      v8_compat::script_origin(
          isolate, to_string(isolate, std::string(import_prefix).append(group.name())), false));
  v8::Local<v8::Script> script;
  v8::Local<v8::Value> function;
  if (!v8::ScriptCompiler::Compile(context, &source, v8::ScriptCompiler::kEagerCompile)
           .ToLocal(&script) ||
      !script->Run(context).ToLocal(&function))
    fatal("the prelude's group can be compiled: " + std::string(group.name()));
  return function;
}

} // namespace

v8::Local<v8::Function> define_groups(v8::Local<v8::Context> context,
                                      v8::Local<v8::Object> natives) {
  v8::Isolate *isolate = context->GetIsolate();
  const auto state = plain_object(isolate), functions = plain_object(isolate);
  for (GroupSource &group : group_sources())
    put(context, functions, group.name(), compile(context, group));
  const auto require_function =
      v8::Function::New(context, require, {}, 1, v8::ConstructorBehavior::kThrow).ToLocalChecked();
  put(context, state, "functions", functions);
  put(context, state, "modules", plain_object(isolate));
  put(context, state, "natives", natives);
  put(context, state, "intrinsics", plain_object(isolate));
  put(context, state, "require", require_function);
  context->Global()->SetPrivate(context, state_key(isolate), state).Check();
  // What the language has, before any script can change it.
  v8::Local<v8::Object> intrinsics;
  if (!load_group(context, to_name(isolate, intrinsics_group)).ToLocal(&intrinsics))
    fatal("the prelude's intrinsics can be evaluated");
  put(context, state, "intrinsics", intrinsics);
  define_lazily(context, lazy_globals());
  return require_function;
}

void define_node_globals(v8::Local<v8::Context> context) { define_lazily(context, node_globals()); }

v8::MaybeLocal<v8::Object> prelude_group(v8::Local<v8::Context> context, std::string_view name) {
  return load_group(context, to_name(context->GetIsolate(), name));
}

void touch_globals(v8::Local<v8::Context> context, std::string_view source) {
  v8::Isolate *isolate = context->GetIsolate();
  const v8::TryCatch caught(isolate);
  std::set<std::string_view> warm_groups;
  for_each_word(source, [&](std::string_view word) {
    const auto found = lazy_global_groups().find(word);
    if (found == lazy_global_groups().end())
      return;
    const v8::HandleScope handles(isolate);
    if (!context->Global()->HasOwnProperty(context, to_name(isolate, word)).FromMaybe(false))
      return;
    (void)context->Global()->Get(context, to_name(isolate, word)).IsEmpty();
    v8::Local<v8::Object> exports;
    v8::Local<v8::Value> warm_up;
    if (warm_groups.insert(found->second).second &&
        load_group(context, to_name(isolate, found->second)).ToLocal(&exports) &&
        exports->HasOwnProperty(context, to_name(isolate, warm_up_name)).FromMaybe(false) &&
        exports->Get(context, to_name(isolate, warm_up_name)).ToLocal(&warm_up) &&
        warm_up->IsFunction())
      (void)warm_up.As<v8::Function>()->Call(context, v8::Undefined(isolate), 0, nullptr).IsEmpty();
  });
  isolate->PerformMicrotaskCheckpoint();
}

std::span<const intptr_t> group_references() {
  static const std::vector<intptr_t> references = [] {
    std::vector<intptr_t> all{reinterpret_cast<intptr_t>(require),
                              reinterpret_cast<intptr_t>(first_use)};
    for (GroupSource &source : group_sources())
      all.push_back(reinterpret_cast<intptr_t>(&source));
    return all;
  }();
  return references;
}

} // namespace lethe
