// SPDX-License-Identifier: Apache-2.0
// The resident scripts of a generation: each in a context of its own, made from the startup
// snapshot.
#pragma once

#include "daemon/engine/engine.h"
#include "daemon/worker/memory/layer_store.h"
#include "daemon/worker/scripts/import_map.h"
#include "daemon/worker/scripts/modules.h"
#include "daemon/worker/scripts/preload.h"
#include "daemon/worker/scripts/script_definition.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <v8.h>
#include <vector>

namespace lethe {

class Scripts;

class Script {
public:
  Script(v8::Isolate *isolate, std::shared_ptr<ScriptDefinition> definition, Scripts &others);

  // Compiles and runs the source, once, but no microtask. Unless it returns `yes`, an exception is
  // pending. What a module awaits comes with `evaluated`, which is empty for other scripts.
  enum class Loaded : uint8_t { yes, does_not_compile, threw };
  Loaded load(v8::Local<v8::Promise> &evaluated);
  // To be called after load() and after what the script awaits.
  void end_loading();

  // A function, and the `this` of its call.
  struct Callable {
    v8::Local<v8::Function> function;
    v8::Local<v8::Value> receiver;
  };
  // A module's export, or a property of a CommonJS script's exports; else a global property or a
  // top-level `const` or `let`. Where nothing has that name, it is a path: "api.users.get" leads by
  // own properties from what `api` is to a function of `api.users`. Nothing if there is no such
  // function, or an exception is pending.
  std::optional<Callable> find_function(std::string_view name);
  // The functions that the script has made, for people to see. Calls don't depend on it.
  const std::vector<std::string> &functions() const { return functions_; }

  // Before load(). The error says what is wrong with the option.
  Result<Nothing> read_source_map();

  const ScriptDefinition &definition() const { return *definition_; }
  // What a CommonJS script has exported, once it is loaded; of others empty.
  v8::Local<v8::Object> commonjs_exports() const {
    return definition_->options->commonjs ? exports_.Get(isolate_) : v8::Local<v8::Object>();
  }
  // What it has imported.
  const Modules &modules() const { return modules_; }
  v8::Local<v8::Context> context() const { return context_.Get(isolate_); }
  void *random_state() const { return random_state_; }
  // What its warm-up calls have reached; nothing: it has none.
  const std::optional<message::Kept<message::WarmedUp>> &warmed_up() const { return warmed_up_; }
  void note_warm_up(const message::WarmedUp &reached) { warmed_up_.emplace(reached); }

private:
  static constexpr size_t most_listed_functions = 1000;

  // Of a name that was called before.
  struct Lookup {
    v8::Global<v8::String> name;
    v8::Global<v8::Script> evaluation; // of the identifier: finds a top-level `const` or `let`
  };
  struct TextHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  Loaded load_json();
  Loaded load_classic();
  Loaded load_commonjs();
  Loaded load_module(v8::Local<v8::Promise> &evaluated);
  Lookup &lookup(std::string_view name);
  v8::MaybeLocal<v8::Value> find_value(std::string_view name);
  v8::MaybeLocal<v8::Value> find_export(v8::Local<v8::String> key, std::string_view name);
  v8::MaybeLocal<v8::Value> find_global(Lookup &lookup, std::string_view name);
  v8::MaybeLocal<v8::Value> evaluate_name(Lookup &lookup);
  std::optional<Callable> follow(std::string_view path, size_t dot);
  bool may_be_followed(v8::Local<v8::Value> value) const;
  bool is_own(v8::Local<v8::String> key, std::string_view name, v8::Local<v8::Value> value) const;
  void note_baseline();
  void list_functions(const std::vector<std::string> &candidates);
  void list_functions_of(const std::string &path, v8::Local<v8::Object> object, int levels,
                         size_t &properties);
  void list(const std::string &path) {
    if (functions_.size() < most_listed_functions)
      functions_.push_back(path);
  }

  v8::Isolate *isolate_;
  std::shared_ptr<ScriptDefinition> definition_;
  v8::Global<v8::Context> context_;
  Modules modules_;
  v8::Global<v8::Object> exports_; // a module's namespace, or a CommonJS script's module.exports
  void *random_state_;
  std::shared_ptr<const std::vector<std::string>> baseline_; // names of global properties before it
                                                             // ran, sorted; of a classic script
  std::vector<std::string> functions_;
  std::optional<message::Kept<message::WarmedUp>> warmed_up_;
  std::unordered_map<std::string, Lookup, TextHash, std::equal_to<>> lookups_;
};

// By name: the definitions of all that there are, to be imported, and those that are loaded.
class Scripts {
public:
  void define(std::shared_ptr<ScriptDefinition> definition); // replaces one of the same name
  std::shared_ptr<ScriptDefinition> definition(std::string_view name) const;
  size_t definition_count() const { return definitions_.size(); }
  Script *find(std::string_view name) const;
  std::vector<std::string_view> names(size_t most) const; // of scripts that can be called
  void add(std::unique_ptr<Script> script);               // replaces one of the same name
  // With its definition.
  void drop(std::string_view name);

  // For a script or for evals: with what preload files leave, as far as they can be evaluated.
  v8::Local<v8::Context> make_context(v8::Isolate *isolate) const;
  // Makes a context for the next script: one that is in the image need not be in each layer.
  void make_spare_context(v8::Isolate *isolate);
  v8::Local<v8::Context> take_context(v8::Isolate *isolate);
  // What is known there goes before what is known here.
  void use(const LayerStore *layers) { layers_ = layers; }
  const ImportMap &import_map() const { return import_map_; }
  void use(ImportMap map) { import_map_ = std::move(map); }
  const Preload &preload() const { return preload_; }
  void use(Preload preload) { preload_ = std::move(preload); }

  // Replaces places in generated code by those that it comes from, in the error's place and stack.
  void apply_source_maps(Error &error) const;

  using Map = std::map<std::string, std::unique_ptr<Script>, std::less<>>;
  const Map &all() const { return scripts_; }

private:
  // Those of layers as far as they were asked for.
  mutable std::map<std::string, std::shared_ptr<ScriptDefinition>, std::less<>> definitions_;
  Map scripts_;
  ImportMap import_map_;
  Preload preload_; // what the startup snapshot does not hold
  const LayerStore *layers_ = nullptr;
  v8::Global<v8::Context> spare_context_;
};

} // namespace lethe
