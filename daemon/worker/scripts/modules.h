// SPDX-License-Identifier: Apache-2.0
// ES modules: scripts that import others. Static and dynamic import, JSON modules, import.meta.
#pragma once

#include "daemon/worker/scripts/script_definition.h"
#include "ipc/error.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <v8.h>

namespace lethe {

class Scripts;

// The modules of one context: what is imported there is instantiated anew, as each script has its
// own world. Lives as long as the context, in which import() finds it.
class Modules {
public:
  Modules(v8::Local<v8::Context> context, const Scripts &scripts);
  ~Modules();
  Modules(const Modules &) = delete;
  Modules &operator=(const Modules &) = delete;

  // The isolate's callbacks for import() and import.meta.
  static void attach(v8::Isolate *isolate);

  // Compiles a script that can be imported, and all that it imports, unless that has been done.
  // Empty with a pending exception: something does not compile, or missing() is not there.
  v8::MaybeLocal<v8::Module> link(const std::string &name);
  // Empty with a pending exception, or the promise of its end.
  v8::MaybeLocal<v8::Promise> evaluate(v8::Local<v8::Module> module);

  // The import that made the last link() fail, if it was one: with its place.
  const std::optional<Error> &missing() const { return missing_; }
  // From now on a request waits for what is done here.
  void end_loading() { is_loading_ = false; }
  // With what a linked script exports, and with its import.meta; that is empty if it was not used.
  using Seen = std::function<void(const std::string &name, v8::Local<v8::Value> exports,
                                  v8::Local<v8::Object> meta)>;
  void for_each(const Seen &seen) const;
  std::vector<std::string_view> names() const;
  // The scripts that were linked here.
  bool contains(std::string_view name) const { return modules_.find(name) != modules_.end(); }

private:
  struct Linked {
    std::shared_ptr<const ScriptDefinition> definition;
    v8::Global<v8::Module> module;
    v8::Global<v8::Object> meta; // import.meta, once it was used
  };
  struct DynamicImport;

  static Modules *of(v8::Local<v8::Context> context);
  bool link_graph(const std::string &name, std::map<std::string, Linked> &added);
  bool compile(std::shared_ptr<const ScriptDefinition> definition,
               std::map<std::string, Linked> &added, v8::Local<v8::Module> &module);
  Result<std::shared_ptr<const ScriptDefinition>> find(std::string_view specifier,
                                                       std::string_view importer,
                                                       v8::Local<v8::FixedArray> attributes,
                                                       int attribute_size) const;
  void throw_missing(Error error, const ScriptDefinition &importer, v8::Local<v8::Module> module,
                     int offset);
  const std::string &name_of(v8::Local<v8::Module> module) const;

  static v8::MaybeLocal<v8::Module> resolve(v8::Local<v8::Context> context,
                                            v8::Local<v8::String> specifier,
                                            v8::Local<v8::FixedArray> attributes,
                                            v8::Local<v8::Module> importer);
  static v8::MaybeLocal<v8::Value> evaluate_json(v8::Local<v8::Context> context,
                                                 v8::Local<v8::Module> module);
  static v8::MaybeLocal<v8::Promise> import_dynamically(v8::Local<v8::Context> context,
                                                        v8::Local<v8::Data> options,
                                                        v8::Local<v8::Value> importer,
                                                        v8::Local<v8::String> specifier,
                                                        v8::Local<v8::FixedArray> attributes);
  static void initialize_meta(v8::Local<v8::Context> context, v8::Local<v8::Module> module,
                              v8::Local<v8::Object> meta);
  static void resolve_meta(const v8::FunctionCallbackInfo<v8::Value> &arguments);

  v8::Isolate *isolate_;
  v8::Global<v8::Context> context_;
  const Scripts &scripts_;
  std::map<std::string, Linked, std::less<>> modules_; // by name
  std::optional<Error> missing_;
  bool is_loading_ = true;
};

} // namespace lethe
