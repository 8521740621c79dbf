// SPDX-License-Identifier: Apache-2.0
// Linking graphs of modules, and what V8 asks its embedder about them.
#include "daemon/worker/scripts/modules.h"
#include "daemon/engine/engine.h"
#include "daemon/engine/script_errors.h"
#include "daemon/natives/prelude_groups.h"
#include "daemon/worker/scripts/scripts.h"
#include "ipc/invariant.h"

#include <vector>

namespace lethe {
namespace {

constexpr int embedder_index = 5; // of a context's data

// V8 gives the attributes of an import as [key, value, offset, …], those of import() without
// offsets.
constexpr int import_attribute = 3, dynamic_import_attribute = 2;

// `size`: one of these.
Result<Nothing> check_attributes(v8::Local<v8::Context> context,
                                 v8::Local<v8::FixedArray> attributes, int size, bool is_json) {
  v8::Isolate *isolate = context->GetIsolate();
  const auto text_at = [&](int i) {
    return to_text(isolate, attributes->Get(context, i).As<v8::String>());
  };
  for (int i = 0; i + 1 < attributes->Length(); i += size) {
    const std::string key = text_at(i), value = text_at(i + 1);
    if (key != "type" || value != "json")
      return Error(ErrorCode::compile_error, std::string("there is no import attribute ")
                                                 .append(key)
                                                 .append(": '")
                                                 .append(value)
                                                 .append("'; there is type: 'json'"));
    if (!is_json)
      return Error(ErrorCode::compile_error,
                   "it is not JSON: the name of a script that is ends in .json");
  }
  return Nothing{};
}

} // namespace

Modules::Modules(v8::Local<v8::Context> context, const Scripts &scripts)
    : isolate_(context->GetIsolate()), context_(isolate_, context), scripts_(scripts) {
  context->SetAlignedPointerInEmbedderData(embedder_index, this);
}

// The context may outlive it in what a script has left, if nothing is rewound.
Modules::~Modules() {
  const v8::HandleScope handles(isolate_);
  context_.Get(isolate_)->SetAlignedPointerInEmbedderData(embedder_index, nullptr);
}

Modules *Modules::of(v8::Local<v8::Context> context) {
  return context->GetNumberOfEmbedderDataFields() > embedder_index
             ? static_cast<Modules *>(context->GetAlignedPointerFromEmbedderData(embedder_index))
             : nullptr;
}

void Modules::attach(v8::Isolate *isolate) {
  isolate->SetHostImportModuleDynamicallyCallback(import_dynamically);
  isolate->SetHostInitializeImportMetaObjectCallback(initialize_meta);
}

// --- linking -----------------------------------------------------------------------------------

v8::MaybeLocal<v8::Module> Modules::link(const std::string &name) {
  missing_.reset();
  std::map<std::string, Linked> added;
  if (!contains(name) && !link_graph(name, added))
    return {};
  modules_.merge(added);
  const auto module = modules_.find(name)->second.module.Get(isolate_);
  if (module->GetStatus() == v8::Module::kUninstantiated &&
      !module->InstantiateModule(context_.Get(isolate_), resolve).FromMaybe(false))
    return {};
  return module;
}

// Everything is compiled before V8 asks for it: so each import that leads nowhere is found with its
// place.
bool Modules::link_graph(const std::string &name, std::map<std::string, Linked> &added) {
  const auto context = context_.Get(isolate_);
  std::vector<std::shared_ptr<const ScriptDefinition>> left{scripts_.definition(name)};
  while (!left.empty()) {
    const v8::HandleScope handles(isolate_);
    const auto definition = std::move(left.back());
    left.pop_back();
    if (contains(definition->name) || added.contains(definition->name))
      continue;
    v8::Local<v8::Module> module;
    if (!compile(definition, added, module))
      return false;
    if (definition->is_json())
      continue;
    const auto requests = module->GetModuleRequests();
    for (int i = 0; i < requests->Length(); ++i) {
      const auto request = requests->Get(context, i).As<v8::ModuleRequest>();
      auto found = find(to_text(isolate_, request->GetSpecifier()), definition->name,
                        v8_compat::import_attributes(request), import_attribute);
      if (!found) {
        throw_missing(found.error(), *definition, module, request->GetSourceOffset());
        return false;
      }
      left.push_back(std::move(*found));
    }
  }
  return true;
}

bool Modules::compile(std::shared_ptr<const ScriptDefinition> definition,
                      std::map<std::string, Linked> &added, v8::Local<v8::Module> &module) {
  const std::string &name = definition->name;
  if (definition->is_json()) {
    module = v8_compat::synthetic_module(isolate_, to_string(isolate_, name),
                                         to_name(isolate_, "default"), evaluate_json);
  } else {
    if (is_loading_)
      touch_globals(context_.Get(isolate_), definition->source);
    v8::ScriptCompiler::Source code(
        to_string(isolate_, definition->source),
        v8_compat::script_origin(isolate_, to_string(isolate_, name), true));
    if (!v8_compat::compile_module_eagerly(isolate_, &code).ToLocal(&module))
      return false;
  }
  Linked &linked = added[name];
  linked.definition = std::move(definition);
  linked.module.Reset(isolate_, module);
  return true;
}

Result<std::shared_ptr<const ScriptDefinition>> Modules::find(std::string_view specifier,
                                                              std::string_view importer,
                                                              v8::Local<v8::FixedArray> attributes,
                                                              int attribute_size) const {
  const auto name = scripts_.import_map().resolve(specifier, importer);
  if (!name)
    return name.error();
  const auto failed = [&](const std::string &reason) {
    return Error(ErrorCode::compile_error,
                 "cannot import '" + std::string(specifier) + "': " + reason);
  };
  auto definition = scripts_.definition(*name);
  if (!definition)
    return failed("there is no script '" + *name + "'; put it before those that import it");
  // Of one that lies in a layer only who loads that has it so far. A faulty one was refused there.
  (void)definition->read_source_map(context_.Get(isolate_));
  if (!definition->can_be_imported())
    return failed("the script '" + *name + "' is not a module: put it with the option `module`");
  if (const auto good = check_attributes(context_.Get(isolate_), attributes, attribute_size,
                                         definition->is_json());
      !good)
    return failed(good.error().message);
  return std::shared_ptr<const ScriptDefinition>(std::move(definition));
}

void Modules::throw_missing(Error error, const ScriptDefinition &importer,
                            v8::Local<v8::Module> module, int offset) {
  v8::Location location = module->SourceOffsetToLocation(offset);
  const Place place{importer.name, location.GetLineNumber() + 1, location.GetColumnNumber() + 1};
  missing_ = std::move(error);
  add_place(*missing_, importer.source, place);
  const std::string text = missing_->message + " (in " + place.script + ":" +
                           std::to_string(place.line) + ":" + std::to_string(place.column) + ")";
  isolate_->ThrowException(v8::Exception::TypeError(to_string(isolate_, text)));
}

const std::string &Modules::name_of(v8::Local<v8::Module> module) const {
  for (const auto &[name, linked] : modules_)
    if (linked.module == module)
      return name;
  fatal("V8 asks about modules that were linked");
}

std::vector<std::string_view> Modules::names() const {
  std::vector<std::string_view> names;
  for (const auto &[name, linked] : modules_)
    names.emplace_back(name);
  return names;
}

void Modules::for_each(const Seen &seen) const {
  for (const auto &[name, linked] : modules_)
    if (const auto module = linked.module.Get(isolate_);
        module->GetStatus() >= v8::Module::kInstantiated)
      seen(name, module->GetModuleNamespace(), linked.meta.Get(isolate_));
}

v8::MaybeLocal<v8::Module> Modules::resolve(v8::Local<v8::Context> context,
                                            v8::Local<v8::String> specifier,
                                            v8::Local<v8::FixedArray>,
                                            v8::Local<v8::Module> importer) {
  const Modules &self = *of(context);
  const auto name =
      self.scripts_.import_map().resolve(to_text(self.isolate_, specifier), self.name_of(importer));
  const auto found = name ? self.modules_.find(*name) : self.modules_.end();
  invariant(found != self.modules_.end(),
            "a module is instantiated when all that it imports was compiled");
  return found->second.module.Get(self.isolate_);
}

// --- evaluating --------------------------------------------------------------------------------

v8::MaybeLocal<v8::Promise> Modules::evaluate(v8::Local<v8::Module> module) {
  v8::Local<v8::Value> promise;
  if (!module->Evaluate(context_.Get(isolate_)).ToLocal(&promise))
    return {};
  return promise.As<v8::Promise>();
}

v8::MaybeLocal<v8::Value> Modules::evaluate_json(v8::Local<v8::Context> context,
                                                 v8::Local<v8::Module> module) {
  v8::Isolate *isolate = context->GetIsolate();
  const Modules &self = *of(context);
  const Linked &linked = self.modules_.find(self.name_of(module))->second;
  v8::Local<v8::Value> value;
  v8::Local<v8::Promise::Resolver> done;
  if (!v8::JSON::Parse(context,
                       to_string(isolate, without_byte_order_mark(linked.definition->source)))
           .ToLocal(&value) ||
      !module->SetSyntheticModuleExport(isolate, to_name(isolate, "default"), value)
           .FromMaybe(false) ||
      !v8::Promise::Resolver::New(context).ToLocal(&done) ||
      !done->Resolve(context, v8::Undefined(isolate)).FromMaybe(false))
    return {};
  return done->GetPromise();
}

// --- import() ----------------------------------------------------------------------------------

struct Modules::DynamicImport {
  v8::Global<v8::Context> context;
  v8::Global<v8::Promise::Resolver> resolver;
  std::string name;

  // As a microtask: a module that is just being evaluated can't be so again.
  static void run(void *data) {
    const std::unique_ptr<DynamicImport> self(static_cast<DynamicImport *>(data));
    v8::Isolate *isolate = v8::Isolate::GetCurrent();
    const v8::HandleScope handles(isolate);
    const auto context = self->context.Get(isolate);
    const v8::Context::Scope scope(context);
    const auto resolver = self->resolver.Get(isolate);
    const v8::TryCatch caught(isolate);
    v8::Local<v8::Module> module;
    v8::Local<v8::Promise> evaluated, result;
    v8::Local<v8::Function> finish;
    if (!of(context))
      return;
    if (of(context)->link(self->name).ToLocal(&module) &&
        of(context)->evaluate(module).ToLocal(&evaluated) &&
        v8::Function::New(context, give_data, module->GetModuleNamespace()).ToLocal(&finish) &&
        evaluated->Then(context, finish).ToLocal(&result))
      resolver->Resolve(context, result).FromMaybe(false);
    else if (caught.HasCaught() && !caught.HasTerminated())
      resolver->Reject(context, caught.Exception()).FromMaybe(false);
  }
  static void give_data(const v8::FunctionCallbackInfo<v8::Value> &arguments) {
    arguments.GetReturnValue().Set(arguments.Data());
  }
};

v8::MaybeLocal<v8::Promise> Modules::import_dynamically(v8::Local<v8::Context> context,
                                                        v8::Local<v8::Data>,
                                                        v8::Local<v8::Value> importer,
                                                        v8::Local<v8::String> specifier,
                                                        v8::Local<v8::FixedArray> attributes) {
  v8::Isolate *isolate = context->GetIsolate();
  v8::Local<v8::Promise::Resolver> resolver;
  if (!v8::Promise::Resolver::New(context).ToLocal(&resolver))
    return {};
  const std::string importer_name =
      importer->IsString() ? to_text(isolate, importer.As<v8::String>()) : std::string();
  Modules *self = of(context);
  const auto found = self
                         ? self->find(to_text(isolate, specifier), importer_name, attributes,
                                      dynamic_import_attribute)
                         : Error(ErrorCode::compile_error, "nothing can be imported here any more");
  if (!found) {
    const auto error = v8::Exception::TypeError(to_string(isolate, found.error().message));
    if (!resolver->Reject(context, error).FromMaybe(false))
      return {};
    return resolver->GetPromise();
  }
  isolate->EnqueueMicrotask(DynamicImport::run,
                            new DynamicImport{v8::Global<v8::Context>(isolate, context),
                                              v8::Global<v8::Promise::Resolver>(isolate, resolver),
                                              (*found)->name});
  return resolver->GetPromise();
}

// --- import.meta -------------------------------------------------------------------------------

void Modules::initialize_meta(v8::Local<v8::Context> context, v8::Local<v8::Module> module,
                              v8::Local<v8::Object> meta) {
  v8::Isolate *isolate = context->GetIsolate();
  if (!of(context))
    return;
  const std::string &name = of(context)->name_of(module);
  of(context)->modules_.find(name)->second.meta.Reset(isolate, meta);
  meta->CreateDataProperty(context, to_name(isolate, "url"), to_string(isolate, script_url(name)))
      .Check();
  v8::Local<v8::Function> function;
  if (v8::Function::New(context, resolve_meta, to_string(isolate, name), 1,
                        v8::ConstructorBehavior::kThrow)
          .ToLocal(&function)) {
    function->SetName(to_name(isolate, "resolve"));
    meta->CreateDataProperty(context, to_name(isolate, "resolve"), function).Check();
  }
}

// import.meta.resolve(specifier)
void Modules::resolve_meta(const v8::FunctionCallbackInfo<v8::Value> &arguments) {
  v8::Isolate *isolate = arguments.GetIsolate();
  const auto context = isolate->GetCurrentContext();
  v8::Local<v8::String> specifier;
  if (!of(context) || !arguments[0]->ToString(context).ToLocal(&specifier))
    return;
  const auto name = of(context)->scripts_.import_map().resolve(
      to_text(isolate, specifier), to_text(isolate, arguments.Data().As<v8::String>()));
  if (name)
    arguments.GetReturnValue().Set(to_string(isolate, script_url(*name)));
  else
    isolate->ThrowException(v8::Exception::TypeError(to_string(isolate, name.error().message)));
}

} // namespace lethe
