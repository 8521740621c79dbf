// SPDX-License-Identifier: Apache-2.0
// From definitions to scripts that can be called: compile, evaluate, warm up.
#include "daemon/worker/scripts/generation.h"
#include "daemon/engine/entropy.h"
#include "daemon/engine/garbage.h"
#include "daemon/engine/interrupts.h"
#include "daemon/engine/script_errors.h"
#include "daemon/engine/surface.h"
#include "daemon/natives/random_state.h"
#include "ipc/clock.h"

#include <algorithm>
#include <set>

namespace lethe {
namespace {

// A call that needs more than such a part of a warm-up's time could be repeated too seldom to be of
// use. Looking at a large script before and after it takes longer.
constexpr uint64_t calls_in_time = 16;

// A function after which RegExp.$1 and its like, which tell of the last match of any regular
// expression, are as if there had been none. Made before a script can change anything.
v8::Local<v8::Function> forgetting_matches(v8::Local<v8::Context> context) {
  const v8::Context::Scope scope(context);
  return evaluate(context, "(({ apply }, exec, nothing) => () => { apply(exec, nothing, ['']); })"
                           "(Reflect, RegExp.prototype.exec, /(?:)/)")
      .As<v8::Function>();
}

std::string joined(const std::vector<std::string> &list) {
  std::string text;
  for (const std::string &each : list)
    text.append(text.empty() ? "" : ", ").append(each);
  return text;
}

using Imports = message::List<message::Name, message::most_entries>;

std::optional<RunFailure> impurity(const PortraitDifference &difference) {
  const auto refused = [](const std::string &why) {
    return RunFailure{Error(ErrorCode::invalid_request, "warm_up_must_be_pure: " + why), {}};
  };
  if (!difference.changed.empty())
    return refused("its calls have changed " + joined(difference.changed));
  if (!difference.unknown.empty())
    return refused("whether its calls have changed something can't be said of " +
                   joined(difference.unknown));
  return std::nullopt;
}

} // namespace

bool Generation::is_of_layers() const { return layers_ && layers_->is_used(); }

// Once there are layers, the image stays what it is, as they are what differs from it.
bool Generation::goes_into_layer(std::string_view name, size_t most_in_image) const {
  return layers_ && (is_of_layers() ||
                     (scripts_.definition_count() >= most_in_image && !scripts_.definition(name)));
}

void Generation::take(const message::Grow &grow, LayerStore *layers, size_t most_in_image) {
  layers_ = layers;
  scripts_.use(layers);
  number_ = grow.generation;
  is_strict_ = grow.strict;
  is_part_ = grow.part;
  drop_.assign(grow.drop.begin(), grow.drop.end());
  if (layers && grow.alone)
    layers->reclaim();
  for (const std::string_view name : grow.unload)
    if (layers)
      layers->unload(name);
  const std::set<std::string_view> cold(grow.cold.begin(), grow.cold.end());
  for (const message::ScriptToLoad &script : grow.load) {
    const std::string name(script.name);
    std::erase(drop_, name);
    const bool in_layer = goes_into_layer(name, most_in_image);
    auto &waiting = in_layer ? new_in_layers_ : new_;
    std::erase(waiting, name);
    // Of modules it must be known what they import.
    if (!in_layer || !cold.contains(script.name) || script.options.module)
      waiting.push_back(name);
    if (in_layer)
      note_full(name, layers_->define(name, ScriptDefinition::pack(script).view()));
    else
      scripts_.define(std::make_shared<ScriptDefinition>(script));
  }
}

std::optional<Generation::Failure>
Generation::load(const std::function<void(std::string_view)> &loading) {
  failures_.clear();
  if (auto failed = drop())
    return failed;
  if (full_)
    return full_;
  if (is_part_)
    return std::nullopt;
  load_locale_data();
  const std::vector<std::string> names = to_load();
  const size_t new_count = new_.size();
  new_.clear();
  for (size_t i = 0; i < names.size(); ++i) {
    present_ = names[i];
    loading(present_);
    auto failure = load_and_warm_up(present_);
    if (!failure)
      continue;
    if (i >= new_count)
      failure->error.message = present_ + ", which imports it: " + failure->error.message;
    // After a stop the isolate is in no state to be forked.
    if (is_strict_ || Interrupts::instance().requested())
      return Failure{present_, std::move(*failure)};
    scripts_.drop(present_);
    failures_.push_back({present_, std::move(*failure)});
  }
  return std::nullopt;
}

void Generation::note_full(const std::string &name, const Result<Nothing> &added) {
  if (!added)
    full_ = Failure{name, {added.error(), {}}};
}

// Calls f(name, imports) for each script of the image, and for the others that were loaded and import
// something.
template <typename F> void Generation::for_each_importer(F f) const {
  LayerStore::Record record{};
  for (const auto &[name, script] : scripts_.all())
    if (!layers_ || !layers_->find(name, record))
      f(name, script->modules().names());
  if (layers_)
    layers_->for_each_importer([&f](const LayerStore::Record &layered) {
      f(layered.name, message::unpack<Imports>(layered.imports).value());
    });
}

std::optional<Generation::Failure> Generation::drop() {
  for (const std::string &name : drop_) {
    std::erase(new_, name);
    std::erase(new_in_layers_, name);
    scripts_.drop(name);
    if (is_of_layers())
      note_full(name, layers_->remove(name));
  }
  if (!is_strict_ || drop_.empty())
    return std::nullopt;
  std::optional<Failure> failure;
  for_each_importer([&](std::string_view importer, const auto &imports) {
    for (const std::string &name : drop_)
      if (std::ranges::find(imports, name) != imports.end())
        failure = Failure{name,
                          {Error(ErrorCode::invalid_request,
                                 std::string("the script ")
                                     .append(importer)
                                     .append(" imports ")
                                     .append(name)
                                     .append(": delete that first, or put it without the import")),
                           {}}};
  });
  return failure;
}

Generation::Layers Generation::take_layers() {
  if (is_part_)
    return {};
  Layers layers{std::exchange(new_in_layers_, {}), 0};
  layers.new_count = layers.names.size();
  const std::set<std::string, std::less<>> fresh(layers.names.begin(), layers.names.end());
  std::set<std::string, std::less<>> importers;
  for_each_importer([&](std::string_view name, const auto &imports) {
    if (!fresh.contains(name) && std::ranges::any_of(imports, [&](std::string_view import) {
          return fresh.contains(import);
        }))
      importers.emplace(name);
  });
  layers.names.insert(layers.names.end(), importers.begin(), importers.end());
  return layers;
}

Buffer Generation::pack_imports(const std::vector<std::string_view> &names) {
  Buffer packed;
  if (!names.empty())
    Imports::write(packed, names);
  return packed;
}

std::optional<RunFailure> Generation::load_alone(std::string_view name, bool is_strict) {
  is_strict_ = is_strict;
  return load_and_warm_up(name);
}

// Without its learned calls, if these turn out to change too much.
std::optional<RunFailure> Generation::load_and_warm_up(std::string_view name) {
  const auto definition = scripts_.definition(name);
  const auto load = [&] {
    memory_.begin(0);
    // Without a limit on time, which the master holds. Armed, as the memory limit stops a script in
    // the same way.
    Interrupts::instance().arm(0, 0);
    auto failure = load_one(definition, nullptr);
    Interrupts::instance().disarm();
    return failure;
  };
  auto failure = load();
  if (std::exchange(learned_too_much_, false)) {
    definition->forget_learned_calls();
    failure = load();
  }
  return failure;
}

// The new ones in their order; then those that have imported one of them: they have the old one.
std::vector<std::string> Generation::to_load() const {
  std::vector<std::string> names = new_;
  for (const auto &[name, script] : scripts_.all()) {
    const Modules &imported = script->modules();
    const bool is_new = std::find(new_.begin(), new_.end(), name) != new_.end();
    const bool imports_new = std::any_of(new_.begin(), new_.end(), [&](const std::string &other) {
      return imported.contains(other);
    });
    if (!is_new && imports_new)
      names.push_back(name);
  }
  return names;
}

std::optional<RunFailure> Generation::load_again(std::string_view name, const ContextMade &made) {
  return load_one(scripts_.definition(name), made);
}

std::optional<RunFailure> Generation::load_one(const std::shared_ptr<ScriptDefinition> &definition,
                                               const ContextMade &made) {
  const v8::HandleScope handles(isolate_);
  auto script = std::make_unique<Script>(isolate_, definition, scripts_);
  if (made) {
    const v8::Context::Scope scope(script->context());
    made(script->context());
  }
  const bool has_calls = !definition->given_calls().empty() || !definition->learned_calls().empty();
  const auto forget_matches =
      has_calls ? forgetting_matches(script->context()) : v8::Local<v8::Function>();
  auto failure = start(*script);
  if (!failure)
    failure = runner_.run_to_rest(Runner::longest_rest_ns);
  if (!failure)
    script->end_loading();
  runner_.forget_tasks();
  if (!failure) {
    Script &loaded = *script;
    scripts_.add(std::move(script));
    if (!made && has_calls)
      failure = warm_up(loaded, forget_matches);
  }
  // What V8 has put off is done before an image is made: else each request would do it again.
  platform().run_tasks(isolate_);
  return failure;
}

std::optional<RunFailure> Generation::start(Script &script) {
  const auto context = script.context();
  const v8::Context::Scope scope(context);
  const v8::TryCatch caught(isolate_);
  Entropy::instance().fill(script.random_state(), random_state_bytes);
  if (const auto read = script.read_source_map(); !read)
    return RunFailure{read.error(), {}};
  v8::Local<v8::Promise> evaluated;
  const Script::Loaded loaded = script.load(evaluated);
  if (loaded == Script::Loaded::does_not_compile && script.modules().missing())
    return RunFailure{*script.modules().missing(), {}};
  if (loaded == Script::Loaded::does_not_compile && caught.HasCaught() &&
      !Interrupts::instance().requested())
    return RunFailure{describe_compile_error(context, caught, script.definition().name), {}};
  if (loaded != Script::Loaded::yes)
    return runner_.failure(context, caught);
  Runner::Waiter nobody;
  auto failure =
      evaluated.IsEmpty() ? runner_.settle(context) : runner_.settle(context, evaluated, nobody);
  if (failure && failure->error.code == ErrorCode::script_error)
    name_script(failure->error, script.definition().name);
  return failure;
}

std::optional<RunFailure> Generation::warm_up(Script &script,
                                              v8::Local<v8::Function> forget_matches) {
  const ScriptDefinition &definition = script.definition();
  const WarmUpCalls given = definition.given_calls(), learned = definition.learned_calls();
  WarmUpCalls all = given;
  all.insert(all.end(), learned.begin(), learned.end());
  const uint64_t begin_ns = now_ns();
  if (!std::exchange(has_warmed_up_, true)) // the last opportunity
    collect_garbage(isolate_);
  const auto forget = [&] {
    const v8::Context::Scope scope(script.context());
    (void)forget_matches->Call(script.context(), v8::Undefined(isolate_), 0, nullptr).IsEmpty();
  };
  forget();
  const int32_t last_timer = runner_.tasks().last_id();
  const PurityCheck::Paint look = [&] { return paint(script, all); };
  PurityCheck purity(look);
  std::optional<PurityCheck> purity_of_given;
  if (!given.empty() && !learned.empty())
    purity_of_given.emplace(look);
  PortraitDifference by_given;
  WarmUp warm_up(isolate_, runner_, definition.name, given);
  // As much time again for calls to be tried.
  const uint64_t tried_until_ns = begin_ns + warm_up_ns_;
  auto failure = warm_up.run(learned.empty() ? tried_until_ns : tried_until_ns + warm_up_ns_, [&] {
    if (purity_of_given) {
      forget();
      by_given = purity_of_given->compare();
    }
    WarmUpCalls pure;
    for (const message::WarmUpCall &call : learned)
      if (is_true_in_fork(
              [&] { return is_pure(definition.name, call, look, forget, tried_until_ns); }))
        pure.push_back(call);
    return pure;
  });
  if (failure || warm_up.reached().rounds == 0)
    return failure;
  forget();
  const PortraitDifference difference = purity.compare();
  if (difference.is_none())
    runner_.tasks().begin_again_after(last_timer);
  auto reached = warm_up.reached();
  // A call may do something at one time that it has not done when it was tried.
  learned_too_much_ = reached.learned > 0 && !difference.is_within(by_given);
  if (learned_too_much_)
    return std::nullopt;
  reached.changed.assign(difference.changed.begin(), difference.changed.end());
  reached.unknown.assign(difference.unknown.begin(), difference.unknown.end());
  script.note_warm_up(reached);
  if (is_strict_ && definition.options->warm_up_must_be_pure)
    return impurity(difference);
  return std::nullopt;
}

// In a fork: a call that was fine for a request may do anything here.
bool Generation::is_pure(std::string_view script, const message::WarmUpCall &call,
                         const PurityCheck::Paint &look, const std::function<void()> &forget,
                         uint64_t until_ns) {
  memory_.set_last_words([](void *) {}, nullptr); // they would be this zygote's
  forget();
  PurityCheck purity(look);
  Runner::Waiter nobody;
  Buffer result;
  end_this_process_at(std::min(until_ns, now_ns() + warm_up_ns_ / calls_in_time));
  if (runner_.call({script, call.function, call.arguments, call.options.fetch}, result, nobody) ||
      runner_.run_to_rest(Runner::longest_rest_ns))
    return false;
  end_this_process_at(until_ns);
  forget();
  return purity.compare().is_none();
}

// In a fork.
Result<Portrait> Generation::paint(Script &script, const WarmUpCalls &calls) const {
  memory_.set_last_words(nullptr, nullptr); // they would be this zygote's
  const v8::HandleScope handles(isolate_);
  const v8::Context::Scope scope(script.context());
  const v8::TryCatch drop(isolate_);
  std::vector<PortraitRoot> roots;
  for (const message::WarmUpCall &call : calls)
    if (const auto found = script.find_function(call.function))
      roots.push_back({std::string(".").append(call.function), found->function});
  if (const auto exports = script.commonjs_exports(); !exports.IsEmpty())
    roots.push_back({".module.exports", exports, true});
  script.modules().for_each(
      [&](const std::string &name, v8::Local<v8::Value> exports, v8::Local<v8::Object> meta) {
        const bool is_own = name == script.definition().name;
        roots.push_back({"." + name, exports, is_own});
        if (!meta.IsEmpty())
          roots.push_back({(is_own ? "" : "." + name) + ".import.meta", meta});
      });
  return lethe::paint(script.context(), roots, script.random_state(), now_ns() + 2 * warm_up_ns_);
}

// ICU reads what it needs at the first use, which takes some 10 ms. Not in generation 0, which has
// to be there soon after the start.
void Generation::load_locale_data() {
  if (std::exchange(has_locale_data_, true))
    return;
  const v8::HandleScope handles(isolate_);
  const auto context = new_context(isolate_);
  const v8::Context::Scope scope(context);
  evaluate(context,
           "new Date(0).toLocaleString() + (1.5).toLocaleString() + 'a'.localeCompare('b')");
}

} // namespace lethe
