// SPDX-License-Identifier: Apache-2.0
// The resident scripts of a generation: each in a context of its own, made from the startup
// snapshot.
#pragma once

#include "daemon/worker/engine.h"
#include "daemon/worker/source_map.h"

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

// What script.put gave, as far as it matters here.
struct ScriptDefinition {
  std::string name;
  int64_t version = 0;
  std::string source;
  bool is_module = false;
  std::string source_map; // its text, or empty
  std::string warm_up;    // MessagePack: [[function, [argument, …]], …], or empty
};

class Script {
public:
  Script(v8::Isolate *isolate, ScriptDefinition definition);

  // Compiles and runs the source, once. Unless it returns `yes`, an exception is pending.
  enum class Loaded : uint8_t { yes, does_not_compile, threw };
  Loaded load(const Scripts &others);

  // A module's export; else a global property or a top-level `const` or `let`. Empty if there is no
  // such function, or an exception is pending.
  v8::MaybeLocal<v8::Function> find_function(std::string_view name);
  // The functions that the script has made, for people to see. Calls don't depend on it.
  const std::vector<std::string> &functions() const { return functions_; }

  // Before load(). The error says what is wrong with the option.
  Result<Nothing> read_source_map();
  const std::optional<SourceMap> &source_map() const { return source_map_; }

  const ScriptDefinition &definition() const { return definition_; }
  v8::Local<v8::Context> context() const { return context_.Get(isolate_); }
  void *random_state() const { return random_state_; }

private:
  // Of a name that was called before.
  struct Lookup {
    v8::Global<v8::String> name;
    v8::Global<v8::Script> evaluation; // of the identifier: finds a top-level `const` or `let`
  };
  struct TextHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  Loaded load_classic();
  Loaded load_module(const Scripts &others);
  Lookup &lookup(std::string_view name);
  v8::MaybeLocal<v8::Value> evaluate_name(Lookup &lookup);
  void list_functions(const std::vector<std::string> &candidates);

  v8::Isolate *isolate_;
  ScriptDefinition definition_;
  std::optional<SourceMap> source_map_;
  v8::Global<v8::Context> context_;
  v8::Global<v8::Object> exports_; // a module's namespace
  void *random_state_;
  std::vector<std::string> functions_;
  std::unordered_map<std::string, Lookup, TextHash, std::equal_to<>> lookups_;
};

// By name.
class Scripts {
public:
  Script *find(std::string_view name) const;
  void add(std::unique_ptr<Script> script); // replaces one of the same name
  void drop(std::string_view name);
  // Replaces places in generated code by those that it comes from, in the error's place and stack.
  void apply_source_maps(Error &error) const;

  using Map = std::map<std::string, std::unique_ptr<Script>, std::less<>>;
  const Map &all() const { return scripts_; }

private:
  Map scripts_;
};

} // namespace lethe
