// SPDX-License-Identifier: Apache-2.0
// Loading the scripts of a zygote's next generation.
#pragma once

#include "daemon/worker/scripts/purity_check.h"
#include "daemon/worker/scripts/runner.h"
#include "daemon/worker/scripts/scripts.h"
#include "daemon/worker/scripts/warm_up.h"

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lethe {

// Lives as long as its zygote, and goes over to the zygote that is forked from it.
class Generation {
public:
  // `scripts` is what there is; it changes. `warm_up_ns` is for each script: then its calls are not
  // repeated any more.
  Generation(v8::Isolate *isolate, Scripts &scripts, Runner &runner, MemoryLimits &memory,
             uint64_t warm_up_ns)
      : isolate_(isolate), scripts_(scripts), runner_(runner), memory_(memory),
        warm_up_ns_(warm_up_ns) {}

  // What is asked for. What does not go into the image, of which `most_in_image` scripts are part, waits to
  // be loaded into layers.
  void take(const message::Grow &grow, LayerStore *layers = nullptr, size_t most_in_image = 0);
  uint32_t number() const { return number_; }

  // Loads what is new, and what imports something that is new; `loading` is called before each.
  // Unless it is strict, scripts that fail are left out, and named in failures(). If it returns
  // one, this process is to end: it is strict, or a script had to be stopped.
  struct Failure {
    std::string script;
    RunFailure failure;
  };
  std::optional<Failure> load(const std::function<void(std::string_view)> &loading);
  // Scripts that are to be loaded into layers, in their order, once nothing waits for a later part: the new
  // ones, and those that import one of them.
  struct Layers {
    std::vector<std::string> names;
    size_t new_count;
  };
  Layers take_layers();
  // As the store of layers keeps them for this.
  static Buffer pack_imports(const std::vector<std::string_view> &names);
  // In a request, whose limits hold, without its warm-up calls.
  std::optional<RunFailure> load_cold(std::string_view name) {
    return load_again(name, [](v8::Local<v8::Context>) {});
  }
  // In the process that writes its layer.
  std::optional<RunFailure> load_alone(std::string_view name, bool is_strict);
  // Loads a script in place of itself, without its warm-up calls. `made` is called with its context
  // before anything of it is compiled. For debuggers, in a request.
  using ContextMade = std::function<void(v8::Local<v8::Context>)>;
  std::optional<RunFailure> load_again(std::string_view name, const ContextMade &made);

  // The script that is being loaded.
  const std::string &present() const { return present_; }
  const std::vector<Failure> &failures() const { return failures_; }
  bool is_strict() const { return is_strict_; }
  bool is_part() const { return is_part_; }
  // A script was, here or in an earlier generation: see collect_young_garbage().
  bool has_warmed_up() const { return has_warmed_up_; }

private:
  std::optional<Failure> drop();
  void note_full(const std::string &name, const Result<Nothing> &added);
  // Not the image says what scripts are, and which.
  bool is_of_layers() const;
  bool goes_into_layer(std::string_view name, size_t most_in_image) const;
  template <typename F> void for_each_importer(F f) const;
  std::vector<std::string> to_load() const;
  std::optional<RunFailure> load_and_warm_up(std::string_view name);
  std::optional<RunFailure> load_one(const std::shared_ptr<ScriptDefinition> &definition,
                                     const ContextMade &made);
  std::optional<RunFailure> start(Script &script);
  std::optional<RunFailure> warm_up(Script &script, v8::Local<v8::Function> forget_matches);
  bool is_pure(std::string_view script, const message::WarmUpCall &call,
               const PurityCheck::Paint &look, const std::function<void()> &forget,
               uint64_t until_ns);
  Result<Portrait> paint(Script &script, const WarmUpCalls &calls) const;
  void load_locale_data();

  v8::Isolate *isolate_;
  Scripts &scripts_;
  Runner &runner_;
  MemoryLimits &memory_;
  uint64_t warm_up_ns_;
  uint32_t number_ = 0;
  bool is_strict_ = false, is_part_ = false; // is_part_: the rest comes in a later generation
  std::vector<std::string> drop_, new_;      // new_: defined, but not loaded yet
  LayerStore *layers_ = nullptr;
  std::vector<std::string> new_in_layers_;
  std::optional<Failure> full_; // the layers
  std::string present_;
  std::vector<Failure> failures_;
  bool has_locale_data_ = false, has_warmed_up_ = false;
  bool learned_too_much_ = false; // requests' calls have changed the script that was just loaded
};

} // namespace lethe
