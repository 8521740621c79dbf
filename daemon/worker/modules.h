// SPDX-License-Identifier: Apache-2.0
// ES modules: a script that imports other resident scripts by their names.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <v8.h>

namespace lethe {

class Scripts;

// Compiles a module and all that it imports in one context: what is imported is instantiated anew
// there, as each script has its own world. Lives on the stack while one script is loaded.
class ModuleLoader {
public:
  ModuleLoader(v8::Local<v8::Context> context, const Scripts &scripts);
  ~ModuleLoader();
  ModuleLoader(const ModuleLoader &) = delete;
  ModuleLoader &operator=(const ModuleLoader &) = delete;

  // Empty with a pending exception: the module or one that it imports does not compile, or isn't
  // there.
  v8::MaybeLocal<v8::Module> link(std::string_view name, std::string_view source);
  // False with a pending exception.
  bool evaluate(v8::Local<v8::Module> module);

private:
  static constexpr uint32_t slot = 2; // of the isolate's data
  static v8::MaybeLocal<v8::Module> resolve(v8::Local<v8::Context> context,
                                            v8::Local<v8::String> specifier,
                                            v8::Local<v8::FixedArray> attributes,
                                            v8::Local<v8::Module> importer);
  v8::MaybeLocal<v8::Module> compile(std::string_view name, std::string_view source);

  v8::Isolate *isolate_;
  v8::Local<v8::Context> context_;
  const Scripts &scripts_;
  std::map<std::string, v8::Local<v8::Module>, std::less<>> modules_;
};

} // namespace lethe
