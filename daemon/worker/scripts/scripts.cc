// SPDX-License-Identifier: Apache-2.0
// Loading scripts and finding their functions.
#include "daemon/worker/scripts/scripts.h"
#include "daemon/engine/surface.h"
#include "daemon/natives/prelude_groups.h"
#include "daemon/natives/random_state.h"
#include "daemon/worker/scripts/modules.h"
#include "ipc/words.h"

#include <algorithm>
#include <set>

namespace lethe {
namespace {

// What is looked at for the list of functions.
constexpr size_t most_listed_properties = 10'000;
constexpr int most_listed_levels = 3; // below a name

constexpr std::string_view default_export = "default";

std::vector<std::string> property_names(v8::Local<v8::Context> context,
                                        v8::Local<v8::Object> object) {
  std::vector<std::string> names;
  v8::Local<v8::Array> keys;
  if (!object
           ->GetOwnPropertyNames(context, v8::SKIP_SYMBOLS, v8::KeyConversionMode::kConvertToString)
           .ToLocal(&keys))
    return names;
  for (uint32_t i = 0; i < keys->Length(); ++i) {
    v8::Local<v8::Value> key;
    if (keys->Get(context, i).ToLocal(&key) && key->IsString())
      names.push_back(to_text(context->GetIsolate(), key.As<v8::String>()));
  }
  return names;
}

// The value of an own property, or undefined. A function's `prototype` does not count: each has one.
v8::MaybeLocal<v8::Value> own_property(v8::Local<v8::Context> context, v8::Local<v8::Object> object,
                                       v8::Local<v8::String> key) {
  v8::Isolate *isolate = context->GetIsolate();
  bool is_there = false;
  if (!object->HasOwnProperty(context, key).To(&is_there))
    return {};
  if (!is_there || (object->IsFunction() && key->StringEquals(to_name(isolate, "prototype"))))
    return v8::Undefined(isolate);
  return object->Get(context, key);
}

// Of an own property that is no accessor; else empty.
v8::MaybeLocal<v8::Value> stored_value(v8::Local<v8::Context> context, v8::Local<v8::Object> object,
                                       v8::Local<v8::String> key) {
  const auto value_name = to_name(context->GetIsolate(), "value");
  v8::Local<v8::Value> descriptor;
  if (!object->GetOwnPropertyDescriptor(context, key).ToLocal(&descriptor) ||
      !descriptor->IsObject() ||
      !descriptor.As<v8::Object>()->HasOwnProperty(context, value_name).FromMaybe(false))
    return {};
  return descriptor.As<v8::Object>()->Get(context, value_name);
}

// require(name): what a bundler has left.
void refuse_require(const v8::FunctionCallbackInfo<v8::Value> &arguments) {
  v8::Isolate *isolate = arguments.GetIsolate();
  const auto context = isolate->GetCurrentContext();
  v8::Local<v8::String> name;
  if (!arguments[0]->ToString(context).ToLocal(&name))
    return;
  const auto error = v8::Exception::Error(to_string(
      isolate, "require('" + to_text(isolate, name) +
                   "'): a script is alone here. Bundle it with what it requires, for instance by "
                   "npx esbuild FILE --bundle --format=cjs, and put the bundle"));
  error.As<v8::Object>()
      ->DefineOwnProperty(context, to_name(isolate, "code"), to_name(isolate, "MODULE_NOT_FOUND"))
      .FromMaybe(false);
  isolate->ThrowException(error);
}

// V8 has no list of a script's top-level bindings. Words that follow `const` or `let` are more than
// these, and each is looked up afterwards. Of what the global object has from the start only what the
// script speaks of: looking up the rest would evaluate all of the prelude.
std::set<std::string_view> possible_functions(std::string_view source,
                                              const std::vector<std::string> &baseline) {
  std::set<std::string_view> words;
  std::string_view before;
  for_each_word(source, [&](std::string_view word) {
    if (before == "const" || before == "let" || std::ranges::binary_search(baseline, word))
      words.insert(word);
    before = word;
  });
  return words;
}

} // namespace

Script::Script(v8::Isolate *isolate, std::shared_ptr<ScriptDefinition> definition, Scripts &others)
    : isolate_(isolate), definition_(std::move(definition)),
      context_(isolate, others.take_context(isolate)), modules_(context(), others),
      random_state_(lethe::random_state(context())) {}

Result<Nothing> Script::read_source_map() { return definition_->read_source_map(context()); }

Script::Loaded Script::load(v8::Local<v8::Promise> &evaluated) {
  if (definition_->is_json())
    return load_json();
  if (definition_->options->node_globals)
    define_node_globals(context());
  if (definition_->options->commonjs)
    return load_commonjs();
  return definition_->options->module ? load_module(evaluated) : load_classic();
}

// Only to see that it can be imported: nothing in it can be called.
Script::Loaded Script::load_json() {
  exports_.Reset(isolate_, v8::Object::New(isolate_, v8::Null(isolate_), nullptr, nullptr, 0));
  return v8::JSON::Parse(context(),
                         to_string(isolate_, without_byte_order_mark(definition_->source)))
                 .IsEmpty()
             ? Loaded::does_not_compile
             : Loaded::yes;
}

Script::Loaded Script::load_classic() {
  const auto context = this->context();
  note_baseline();
  v8::ScriptCompiler::Source source(
      to_string(isolate_, definition_->source),
      v8_compat::script_origin(isolate_, to_string(isolate_, definition_->name), false));
  touch_globals(context, definition_->source);
  v8::Local<v8::Script> script;
  // Eager: a function that is compiled at its first call would be so again after each rewind or
  // fork.
  if (!v8::ScriptCompiler::Compile(context, &source, v8::ScriptCompiler::kEagerCompile)
           .ToLocal(&script))
    return Loaded::does_not_compile;
  return script->Run(context).IsEmpty() ? Loaded::threw : Loaded::yes;
}

// The source is the body of a function, where it stands: places are those of the file.
Script::Loaded Script::load_commonjs() {
  const auto context = this->context();
  v8::ScriptCompiler::Source source(
      to_string(isolate_, definition_->source),
      v8_compat::script_origin(isolate_, to_string(isolate_, definition_->name), false));
  touch_globals(context, definition_->source);
  v8::Local<v8::String> parameters[] = {to_name(isolate_, "exports"), to_name(isolate_, "require"),
                                        to_name(isolate_, "module")};
  v8::Local<v8::Function> body, require;
  if (!v8::ScriptCompiler::CompileFunction(context, &source, std::size(parameters), parameters, 0,
                                           nullptr, v8::ScriptCompiler::kEagerCompile)
           .ToLocal(&body))
    return Loaded::does_not_compile;
  const auto exports = v8::Object::New(isolate_), module = v8::Object::New(isolate_);
  if (!module->CreateDataProperty(context, parameters[0], exports).FromMaybe(false) ||
      !v8::Function::New(context, refuse_require, {}, 1, v8::ConstructorBehavior::kThrow)
           .ToLocal(&require))
    return Loaded::threw;
  exports_.Reset(isolate_, module); // until it is loaded
  v8::Local<v8::Value> arguments[] = {exports, require, module};
  return body->Call(context, exports, static_cast<int>(std::size(arguments)), arguments).IsEmpty()
             ? Loaded::threw
             : Loaded::yes;
}

Script::Loaded Script::load_module(v8::Local<v8::Promise> &evaluated) {
  v8::Local<v8::Module> module;
  if (!modules_.link(definition_->name).ToLocal(&module))
    return Loaded::does_not_compile;
  if (!modules_.evaluate(module).ToLocal(&evaluated))
    return Loaded::threw;
  exports_.Reset(isolate_, module->GetModuleNamespace().As<v8::Object>());
  return Loaded::yes;
}

void Script::end_loading() {
  modules_.end_loading();
  const auto context = this->context();
  const v8::Context::Scope scope(context);
  if (definition_->is_json())
    return;
  if (definition_->options->commonjs) {
    const v8::TryCatch drop(isolate_);
    v8::Local<v8::Value> exported;
    const bool is_there =
        exports_.Get(isolate_)->Get(context, to_name(isolate_, "exports")).ToLocal(&exported) &&
        may_be_followed(exported);
    exports_.Reset(isolate_, is_there ? exported.As<v8::Object>() : v8::Object::New(isolate_));
  }
  if (!exports_.IsEmpty()) {
    auto names = property_names(context, exports_.Get(isolate_));
    if (exports_.Get(isolate_)->IsFunction())
      names.emplace_back(default_export);
    return list_functions(names);
  }
  auto candidates = property_names(context, context->Global());
  std::erase_if(candidates, [this](const std::string &name) {
    return std::ranges::binary_search(*baseline_, name);
  });
  for (const std::string_view word : possible_functions(definition_->source, *baseline_))
    candidates.emplace_back(word);
  list_functions(candidates);
}

// Nearly all scripts begin with the same.
void Script::note_baseline() {
  static std::shared_ptr<const std::vector<std::string>> latest;
  auto names = property_names(context(), context()->Global());
  std::ranges::sort(names);
  if (!latest || *latest != names)
    latest = std::make_shared<const std::vector<std::string>>(std::move(names));
  baseline_ = latest;
}

void Script::list_functions(const std::vector<std::string> &candidates) {
  v8::TryCatch drop(isolate_);
  size_t properties = 0;
  for (const std::string &name : candidates) {
    const v8::HandleScope handles(isolate_);
    v8::Local<v8::Value> value;
    if (!find_value(name).ToLocal(&value))
      drop.Reset();
    else if (value->IsFunction())
      list(name);
    else if (may_be_followed(value))
      list_functions_of(name, value.As<v8::Object>(), most_listed_levels, properties);
  }
  std::sort(functions_.begin(), functions_.end());
  functions_.erase(std::unique(functions_.begin(), functions_.end()), functions_.end());
  lookups_.clear();
}

// No accessor is asked: nothing has called it. `properties` counts those that were looked at.
void Script::list_functions_of(const std::string &path, v8::Local<v8::Object> object, int levels,
                               size_t &properties) {
  const auto context = this->context();
  v8::Local<v8::Array> keys;
  if (object->IsArray() || object->IsArrayBufferView() ||
      !object
           ->GetOwnPropertyNames(context, v8::SKIP_SYMBOLS, v8::KeyConversionMode::kConvertToString)
           .ToLocal(&keys))
    return;
  for (uint32_t i = 0; i < keys->Length() && properties < most_listed_properties; ++i) {
    const v8::HandleScope handles(isolate_);
    ++properties;
    v8::Local<v8::Value> key, value;
    if (!keys->Get(context, i).ToLocal(&key) ||
        !stored_value(context, object, key.As<v8::String>()).ToLocal(&value))
      continue;
    const std::string name = to_text(isolate_, key.As<v8::String>());
    if (name.find('.') != name.npos)
      continue;
    const std::string whole = std::string(path).append(".").append(name);
    if (value->IsFunction())
      list(whole);
    else if (levels > 1 && may_be_followed(value))
      list_functions_of(whole, value.As<v8::Object>(), levels - 1, properties);
  }
}

Script::Lookup &Script::lookup(std::string_view name) {
  auto found = lookups_.find(name);
  if (found == lookups_.end()) {
    found = lookups_.try_emplace(std::string(name)).first;
    found->second.name.Reset(isolate_, to_name(isolate_, name));
  }
  return found->second;
}

std::optional<Script::Callable> Script::find_function(std::string_view name) {
  v8::Local<v8::Value> value;
  if (!find_value(name).ToLocal(&value))
    return std::nullopt;
  if (!value->IsFunction()) {
    const size_t dot = name.find('.');
    return dot == name.npos ? std::nullopt : follow(name, dot);
  }
  v8::Local<v8::Value> receiver = v8::Undefined(isolate_);
  if (definition_->options->commonjs && value != exports_.Get(isolate_))
    receiver = exports_.Get(isolate_);
  return Callable{value.As<v8::Function>(), receiver};
}

// What the name means outside of all objects, or undefined. Empty: an exception is pending.
v8::MaybeLocal<v8::Value> Script::find_value(std::string_view name) {
  Lookup &known = lookup(name);
  if (definition_->options->commonjs)
    return find_export(known.name.Get(isolate_), name);
  if (!exports_.IsEmpty())
    return exports_.Get(isolate_)->Get(context(), known.name.Get(isolate_));
  return find_global(known, name);
}

// As what an `import` of it would give under this name.
v8::MaybeLocal<v8::Value> Script::find_export(v8::Local<v8::String> key, std::string_view name) {
  const auto exports = exports_.Get(isolate_);
  v8::Local<v8::Value> value;
  if (!own_property(context(), exports, key).ToLocal(&value))
    return {};
  if (value->IsUndefined() && name == default_export)
    return exports;
  return value;
}

v8::MaybeLocal<v8::Value> Script::find_global(Lookup &known, std::string_view name) {
  const auto context = this->context();
  const auto key = known.name.Get(isolate_);
  v8::Local<v8::Value> value, foreign;
  if (known.evaluation.IsEmpty() && !context->Global()->Get(context, key).ToLocal(&value))
    return {};
  if (!value.IsEmpty() && value->IsObject() && !is_own(key, name, value))
    std::swap(value, foreign);
  if ((value.IsEmpty() || value->IsUndefined()) && is_identifier(name)) {
    const v8::TryCatch drop(isolate_); // of ReferenceError: there is no such binding
    if (!evaluate_name(known).ToLocal(&value) || value == foreign) {
      known.evaluation.Reset();
      return v8::Undefined(isolate_);
    }
  }
  if (value.IsEmpty())
    return v8::Undefined(isolate_);
  return value;
}

// From what stands before the dot, by own properties. An accessor is called, as bundlers make such of
// exports.
std::optional<Script::Callable> Script::follow(std::string_view path, size_t dot) {
  const auto context = this->context();
  v8::Local<v8::Value> value;
  if (!find_value(path.substr(0, dot)).ToLocal(&value))
    return std::nullopt;
  v8::Local<v8::Value> holder;
  while (dot != path.npos) {
    path.remove_prefix(dot + 1);
    dot = path.find('.');
    holder = value;
    if (!may_be_followed(holder) ||
        !own_property(context, holder.As<v8::Object>(), to_name(isolate_, path.substr(0, dot)))
             .ToLocal(&value))
      return std::nullopt;
  }
  if (!value->IsFunction())
    return std::nullopt;
  return Callable{value.As<v8::Function>(), holder};
}

// A proxy says of any name that it has it, and its handler would run for each.
bool Script::may_be_followed(v8::Local<v8::Value> value) const {
  return value->IsObject() && !value->IsProxy() && value != context()->Global();
}

// Has the script made what this global property holds? Not if the global object inherits it, or had
// one of that name before, unless it is a function of the script's source.
bool Script::is_own(v8::Local<v8::String> key, std::string_view name,
                    v8::Local<v8::Value> value) const {
  const auto context = this->context();
  if (!context->Global()->HasOwnProperty(context, key).FromMaybe(false))
    return false;
  if (!std::ranges::binary_search(*baseline_, name))
    return true;
  if (!value->IsFunction())
    return false;
  const auto source = value.As<v8::Function>()->GetScriptOrigin().ResourceName();
  return !source.IsEmpty() && source->IsString() &&
         to_text(isolate_, source.As<v8::String>()) == definition_->name;
}

v8::MaybeLocal<v8::Value> Script::evaluate_name(Lookup &known) {
  const auto context = this->context();
  if (known.evaluation.IsEmpty()) {
    v8::Local<v8::Script> script;
    if (!v8::Script::Compile(context, known.name.Get(isolate_)).ToLocal(&script))
      return {};
    known.evaluation.Reset(isolate_, script);
  }
  return known.evaluation.Get(isolate_)->Run(context);
}

// --- all of them -------------------------------------------------------------------------------

void Scripts::define(std::shared_ptr<ScriptDefinition> definition) {
  const std::string name = definition->name;
  definitions_.insert_or_assign(name, std::move(definition));
}

std::shared_ptr<ScriptDefinition> Scripts::definition(std::string_view name) const {
  const auto found = definitions_.find(name);
  LayerStore::Record record{};
  if (!layers_ || !layers_->find(name, record))
    return found == definitions_.end() ? nullptr : found->second;
  if (record.definition.empty())
    return nullptr;
  if (found != definitions_.end() &&
      found->second->version == ScriptDefinition::version_of(record.definition))
    return found->second;
  auto definition = ScriptDefinition::unpack(record.definition);
  definitions_.insert_or_assign(std::string(name), definition);
  return definition;
}

Script *Scripts::find(std::string_view name) const {
  const auto found = scripts_.find(name);
  return found == scripts_.end() ? nullptr : found->second.get();
}

std::vector<std::string_view> Scripts::names(size_t most) const {
  std::vector<std::string_view> names;
  LayerStore::Record record{};
  for (const auto &[name, script] : scripts_)
    if (names.size() < most && (!layers_ || !layers_->find(name, record)))
      names.push_back(name);
  if (layers_)
    layers_->for_each([&](const LayerStore::Record &layered) {
      if (names.size() < most && !layered.definition.empty())
        names.push_back(layered.name);
      return names.size() < most;
    });
  return names;
}

void Scripts::add(std::unique_ptr<Script> script) {
  std::string name = script->definition().name;
  scripts_.insert_or_assign(std::move(name), std::move(script));
}

v8::Local<v8::Context> Scripts::make_context(v8::Isolate *isolate) const {
  const auto context = new_context(isolate);
  (void)preload_.evaluate(context); // the zygote has seen whether that works
  return context;
}

void Scripts::make_spare_context(v8::Isolate *isolate) {
  if (!spare_context_.IsEmpty())
    return;
  const v8::HandleScope handles(isolate);
  spare_context_.Reset(isolate, make_context(isolate));
}

v8::Local<v8::Context> Scripts::take_context(v8::Isolate *isolate) {
  if (spare_context_.IsEmpty())
    return make_context(isolate);
  const auto context = spare_context_.Get(isolate);
  spare_context_.Reset();
  return context;
}

void Scripts::drop(std::string_view name) {
  if (const auto found = scripts_.find(name); found != scripts_.end())
    scripts_.erase(found);
  if (const auto found = definitions_.find(name); found != definitions_.end())
    definitions_.erase(found);
}

void Scripts::apply_source_maps(Error &error) const {
  const auto translate = [this](const Place &place) -> std::optional<Place> {
    const auto script = definition(place.script);
    if (!script || !script->source_map)
      return std::nullopt;
    return script->source_map->original(place);
  };
  Place place;
  for (auto &[key, value] : error.keys) {
    if (key == "stack")
      value = translate_places(std::get<std::string>(value), translate);
    else if (key == "script")
      place.script = std::get<std::string>(value);
    else if (key == "line")
      place.line = std::get<int64_t>(value);
    else if (key == "column")
      place.column = std::get<int64_t>(value);
  }
  const auto original = translate(place);
  for (auto &[key, value] : error.keys) {
    if (!original)
      break;
    if (key == "script")
      value = original->script;
    else if (key == "line")
      value = original->line;
    else if (key == "column")
      value = original->column;
  }
}

} // namespace lethe
