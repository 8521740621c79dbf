// SPDX-License-Identifier: Apache-2.0
// From the roots to each object, once, and what is noted of each kind.
#include "daemon/worker/scripts/portrait_painter.h"
#include "daemon/engine/engine.h"
#include "daemon/engine/heap_layout.h"
#include "daemon/engine/v8_compat.h"
#include "ipc/clock.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace lethe {
namespace {

constexpr size_t most_nodes = 2'000'000, most_edges = 20'000'000;
constexpr size_t longest_label = 60;
constexpr uint32_t nodes_between_clocks = 256;
uint64_t hash_of(std::string_view bytes) { return std::hash<std::string_view>()(bytes); }
uint64_t mix(uint64_t one, uint64_t other) {
  const uint64_t both[] = {one, other};
  return hash_of({reinterpret_cast<const char *>(both), sizeof both});
}

// A constant of a kind, so that no number is as a string.
enum class Primitive : uint64_t { undefined, null, boolean, number, string, bigint, hole, symbol };
uint64_t constant(Primitive kind, uint64_t value = 0) {
  return mix(static_cast<uint64_t>(kind), value);
}

// Functions of another world: no script has changed what they use.
struct Tools {
  explicit Tools(v8::Local<v8::Context> fresh)
      : is_extensible(evaluate(fresh, "Object.isExtensible").As<v8::Function>()),
        intl_options(evaluate(fresh, R"js(
          (({ apply }, { stringify }, methods) => (object) => {
            for (let i = 0; i < methods.length; ++i)
              try {
                return i + stringify(apply(methods[i], object, []));
              } catch {}
          })(Reflect, JSON, Object.getOwnPropertyNames(Intl).map((name) => Intl[name].prototype).
            filter((prototype) => prototype?.resolvedOptions || prototype?.maximize).
            map((prototype) => prototype.resolvedOptions ?? prototype.toString))
        )js")
                         .As<v8::Function>()) {
    tag_type = type_in(fresh, "new WebAssembly.Tag({ parameters: [] })");
    instance_type = type_in(fresh, "new WebAssembly.Instance(new WebAssembly.Module("
                                   "Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)))");
  }
  static int type_in(v8::Local<v8::Context> fresh, const std::string &source) {
    const auto object = evaluate(fresh, "try { " + source + " } catch {}");
    return object->IsObject() ? HeapLayout::type(object) : -1;
  }
  v8::Local<v8::Function> is_extensible, intl_options; // that: of other objects undefined
  int tag_type, instance_type;                         // WebAssembly's; -1: there is none
};

class Painter {
public:
  Painter(v8::Local<v8::Context> context, const HeapLayout &layout, const Tools &tools,
          const void *fresh_bytes, uint64_t until_ns);
  ~Painter() { isolate_->RemoveGCEpilogueCallback(note_collection, this); }
  Painter(const Painter &) = delete;
  Painter &operator=(const Painter &) = delete;

  Result<Portrait> paint(const std::vector<PortraitRoot> &roots);

private:
  using Edge = Portrait::Edge;
  enum class Form : uint8_t { object, context, list, pair, symbol, code };

  static void note_collection(v8::Isolate *, v8::GCType, v8::GCCallbackFlags, void *self) {
    static_cast<Painter *>(self)->has_moved_ = true;
  }
  uint32_t node_of(v8::Local<v8::Value> thing, Form form);
  void find_again();
  v8::Local<v8::Value> thing(uint32_t node) const { return things_[node].Get(isolate_); }

  void make_lazy_globals();
  void paint_reached();
  bool paint_weak_entries();
  void paint_node();
  void paint_object(v8::Local<v8::Object> object);
  void paint_properties(v8::Local<v8::Object> object);
  void paint_property(v8::Local<v8::Object> object, v8::Local<v8::Value> key);
  void paint_private(v8::Local<v8::Object> object);
  void paint_entries(v8::Local<v8::Array> entries, bool are_pairs);
  void paint_function(v8::Local<v8::Function> function);
  void paint_promise(v8::Local<v8::Promise> promise);
  void paint_special(v8::Local<v8::Object> object);
  void paint_internal(v8::Local<v8::Value> thing);
  void paint_buffer(const void *data, size_t bytes);
  void paint_context(v8::Local<v8::Value> context);
  void paint_list(v8::Local<v8::Value> list);

  void add(std::string_view label, v8::Local<v8::Value> value, uint8_t attributes = 0);
  void add_node(std::string_view label, uint32_t node, uint8_t attributes = 0);
  void add_size(std::string_view label, size_t size);
  void add_edge(std::string_view label, bool is_node, uint64_t value, uint8_t attributes,
                bool is_size = false);
  void add_content(uint64_t hash) { present().content = mix(present().content, hash); }
  void note_unknown(std::string_view why);
  Portrait::Node &present() { return portrait_.node(present_); }

  uint64_t text_hash(v8::Local<v8::String> text);
  std::string label_text(v8::Local<v8::Value> key) const;
  std::string key_label(v8::Local<v8::Value> key) const;
  std::vector<std::string> variable_names(HeapWord description, size_t count) const;
  std::vector<v8::Local<v8::Value>> handles(std::span<const HeapWord> words) const;
  bool is_extensible(v8::Local<v8::Object> object) const;

  v8::Isolate *isolate_;
  v8::Local<v8::Context> context_;
  const HeapLayout &layout_;
  const Tools &tools_;
  const void *fresh_bytes_;
  uint64_t until_ns_;
  v8::Local<v8::String> value_key_, get_key_, set_key_;
  v8::Local<v8::Value> behind_global_; // the global object stands for it, and has its properties

  Portrait portrait_;
  std::vector<v8::Global<v8::Value>> things_; // of each node, but the roots
  std::vector<Form> forms_;
  std::unordered_map<HeapWord, uint32_t> nodes_; // by where they are, until V8 moves something
  bool has_moved_ = false;
  uint32_t present_ = 0; // whose edges are added
  size_t edges_ = 0;
  std::vector<uint32_t> weak_collections_;
  static constexpr size_t not_painted = SIZE_MAX;
  std::vector<size_t> weak_entries_; // of each of those, that are painted
  std::vector<uint16_t> text_;
};

Painter::Painter(v8::Local<v8::Context> context, const HeapLayout &layout, const Tools &tools,
                 const void *fresh_bytes, uint64_t until_ns)
    : isolate_(context->GetIsolate()), context_(context), layout_(layout), tools_(tools),
      fresh_bytes_(fresh_bytes), until_ns_(until_ns), value_key_(to_name(isolate_, "value")),
      get_key_(to_name(isolate_, "get")), set_key_(to_name(isolate_, "set")) {
  isolate_->AddGCEpilogueCallback(note_collection, this);
  behind_global_ = handles(layout_.variables(context_)).front();
  things_.resize(Portrait::roots);
  forms_.resize(Portrait::roots);
}

Result<Portrait> Painter::paint(const std::vector<PortraitRoot> &roots) {
  make_lazy_globals();
  for (const PortraitRoot &root : roots) {
    add(root.label, root.value);
    if (root.is_scope)
      portrait_.node(node_of(root.value, Form::object)).is_scope = true;
  }
  add(".globalThis", context_->Global());
  portrait_.node(node_of(context_->Global(), Form::object)).is_scope = true;
  // Prototypes and functions that no global name leads to.
  const auto intrinsics = handles(layout_.variables(context_));
  present_ = 1;
  for (size_t i = 0; i < intrinsics.size(); ++i)
    if (layout_.kind(intrinsics[i]) == HeapLayout::Kind::value && intrinsics[i]->IsObject() &&
        intrinsics[i] != behind_global_)
      add("[[intrinsic " + std::to_string(i) + "]]", intrinsics[i]);
  present_ = Portrait::roots;
  do
    paint_reached();
  while (paint_weak_entries());
  if (now_ns() >= until_ns_)
    return Error(ErrorCode::deadline_exceeded, "it took too long");
  if (isolate_->IsExecutionTerminating())
    return Error(ErrorCode::memory_limit, "there was no memory for that");
  if (things_.size() > most_nodes || edges_ > most_edges)
    return Error(ErrorCode::too_large, "the script holds too much");
  return std::move(portrait_);
}

void Painter::make_lazy_globals() {
  const v8::HandleScope handles(isolate_);
  const v8::TryCatch drop(isolate_);
  const auto global = context_->Global();
  v8::Local<v8::Array> keys;
  v8::Local<v8::Value> key;
  if (!global->GetOwnPropertyNames(context_, v8::ALL_PROPERTIES).ToLocal(&keys))
    return;
  for (uint32_t i = 0; i < keys->Length(); ++i)
    if (keys->Get(context_, i).ToLocal(&key) && key->IsName())
      (void)global->GetOwnPropertyDescriptor(context_, key.As<v8::Name>()).IsEmpty();
}

void Painter::paint_reached() {
  for (; present_ < things_.size(); ++present_) {
    if (present_ % nodes_between_clocks == 0 && now_ns() >= until_ns_)
      return;
    if (things_.size() > most_nodes || edges_ > most_edges || isolate_->IsExecutionTerminating())
      return;
    paint_node();
  }
}

// An entry is there as long as its key is: as far as anybody can find out, only if the key can be
// reached otherwise. Keys have no order; the nodes' numbers have one, which does not depend on
// where objects lie. False: there are no more.
bool Painter::paint_weak_entries() {
  const uint32_t end = present_;
  bool found = false;
  for (size_t i = 0; i < weak_collections_.size(); ++i) {
    const v8::HandleScope handles(isolate_);
    bool are_pairs = false;
    v8::Local<v8::Array> entries;
    if (!thing(weak_collections_[i]).As<v8::Object>()->PreviewEntries(&are_pairs).ToLocal(&entries))
      continue;
    std::vector<std::pair<uint32_t, v8::Local<v8::Value>>> reached;
    for (uint32_t at = 0; at < entries->Length(); at += are_pairs ? 2 : 1) {
      v8::Local<v8::Value> key, value = v8::Undefined(isolate_);
      if (!entries->Get(context_, at).ToLocal(&key) ||
          (are_pairs && !entries->Get(context_, at + 1).ToLocal(&value)))
        continue;
      if (has_moved_)
        find_again();
      if (const auto known = nodes_.find(HeapLayout::word(key)); known != nodes_.end())
        reached.emplace_back(known->second, value);
    }
    const bool is_first = weak_entries_[i] == not_painted;
    if (!is_first && reached.size() == weak_entries_[i])
      continue;
    // Those that were there before come again: nothing of what they lead to is painted twice.
    std::ranges::sort(reached, {}, [](const auto &entry) { return entry.first; });
    present_ = weak_collections_[i];
    const size_t others = is_first ? 0 : 1 + 2 * weak_entries_[i];
    edges_ -= others;
    present().edges.resize(present().edges.size() - others);
    add_size(".size", reached.size());
    for (const auto &[key, value] : reached) {
      add_node("[[key]]", key);
      add("[[value]]", value);
    }
    weak_entries_[i] = reached.size();
    found |= !reached.empty();
  }
  present_ = end;
  return found && now_ns() < until_ns_;
}

uint32_t Painter::node_of(v8::Local<v8::Value> thing, Form form) {
  if (has_moved_)
    find_again();
  const auto [found, is_new] =
      nodes_.try_emplace(HeapLayout::word(thing), static_cast<uint32_t>(things_.size()));
  if (!is_new)
    return found->second;
  things_.emplace_back(isolate_, thing);
  forms_.push_back(form);
  return portrait_.add_node();
}

void Painter::find_again() {
  const v8::HandleScope handles(isolate_);
  has_moved_ = false;
  nodes_.clear();
  for (uint32_t node = Portrait::roots; node < things_.size(); ++node)
    nodes_.emplace(HeapLayout::word(thing(node)), node);
}

// --- kinds -------------------------------------------------------------------------------------

void Painter::paint_node() {
  const v8::HandleScope handles(isolate_);
  const v8::TryCatch caught(isolate_);
  add_content(static_cast<uint64_t>(forms_[present_]));
  const auto thing = this->thing(present_);
  switch (forms_[present_]) {
  case Form::object:
    paint_object(thing.As<v8::Object>());
    break;
  case Form::context:
    paint_context(thing);
    break;
  case Form::list:
    paint_list(thing);
    break;
  case Form::pair:
    paint_internal(thing);
    break;
  case Form::symbol:
    add("description", thing.As<v8::Symbol>()->Description(isolate_));
    break;
  case Form::code: // its functions say what it is
    break;
  }
  if (caught.HasCaught())
    note_unknown("it can't be read");
}

void Painter::paint_object(v8::Local<v8::Object> object) {
  if (object->IsProxy()) {
    add("[[target]]", object.As<v8::Proxy>()->GetTarget());
    return add("[[handler]]", object.As<v8::Proxy>()->GetHandler());
  }
  add_content(static_cast<uint64_t>(layout_.type(object)));
  if (object->IsFunction()) {
    paint_function(object.As<v8::Function>());
  } else if (object->IsMap()) {
    add_size(".size", object.As<v8::Map>()->Size());
    paint_entries(object.As<v8::Map>()->AsArray(), true);
  } else if (object->IsSet()) {
    add_size(".size", object.As<v8::Set>()->Size());
    paint_entries(object.As<v8::Set>()->AsArray(), false);
  } else if (object->IsWeakMap() || object->IsWeakSet()) {
    weak_collections_.push_back(present_);
    weak_entries_.push_back(not_painted);
  } else if (object->IsDate()) {
    add("[[date]]", v8::Number::New(isolate_, object.As<v8::Date>()->ValueOf()));
  } else if (object->IsRegExp()) {
    add("[[source]]", object.As<v8::RegExp>()->GetSource());
    add_content(static_cast<uint64_t>(object.As<v8::RegExp>()->GetFlags()));
  } else if (object->IsArrayBuffer()) {
    const auto buffer = object.As<v8::ArrayBuffer>();
    paint_buffer(buffer->Data(), buffer->ByteLength());
  } else if (object->IsSharedArrayBuffer()) {
    const auto buffer = object.As<v8::SharedArrayBuffer>();
    paint_buffer(buffer->Data(), buffer->ByteLength());
  } else if (object->IsArrayBufferView()) {
    const auto view = object.As<v8::ArrayBufferView>();
    add("[[buffer]]", view->Buffer());
    add_content(mix(view->ByteOffset(), view->ByteLength()));
  } else if (object->IsNativeError()) {
    v8::Local<v8::Value> stack;
    if (object->HasOwnProperty(context_, to_name(isolate_, "stack")).FromMaybe(false) &&
        object->Get(context_, to_name(isolate_, "stack")).ToLocal(&stack))
      add(".stack", stack);
  } else if (object->IsPromise()) {
    paint_promise(object.As<v8::Promise>());
  } else if (object->InternalFieldCount() > 0) {
    note_unknown("an object with native state");
  } else if (!object->IsModuleNamespaceObject() && !layout_.internal_words(object).empty()) {
    paint_special(object);
  }
  paint_properties(object);
}

void Painter::paint_properties(v8::Local<v8::Object> object) {
  auto prototype = v8_compat::prototype_of(object);
  if (prototype == behind_global_)
    prototype = v8_compat::prototype_of(prototype.As<v8::Object>());
  add("[[prototype]]", prototype);
  add_content(is_extensible(object));
  paint_private(object);
  v8::Local<v8::Array> keys;
  v8::Local<v8::Value> key;
  const auto indices = object->IsArrayBufferView() ? v8::IndexFilter::kSkipIndices
                                                   : v8::IndexFilter::kIncludeIndices;
  if (!object
           ->GetPropertyNames(context_, v8::KeyCollectionMode::kOwnOnly, v8::ALL_PROPERTIES,
                              indices, v8::KeyConversionMode::kKeepNumbers)
           .ToLocal(&keys))
    return note_unknown("its properties can't be read");
  for (uint32_t i = 0; i < keys->Length(); ++i) {
    const v8::HandleScope handles(isolate_);
    if (!keys->Get(context_, i).ToLocal(&key))
      return note_unknown("its properties can't be read");
    paint_property(object, key);
  }
}

void Painter::paint_property(v8::Local<v8::Object> object, v8::Local<v8::Value> key) {
  v8::Local<v8::Name> name;
  v8::Local<v8::Value> found, value, get, set;
  v8::PropertyAttribute attributes = v8::None;
  if (key->IsName())
    name = key.As<v8::Name>();
  else if (v8::Local<v8::String> text; key->ToString(context_).ToLocal(&text))
    name = text;
  const std::string label = label_text(key);
  if (key->IsSymbol())
    add("[[key]]" + label, key);
  if (name.IsEmpty() || !object->GetPropertyAttributes(context_, key).To(&attributes) ||
      !object->GetOwnPropertyDescriptor(context_, name).ToLocal(&found) || !found->IsObject())
    return note_unknown("a property can't be read");
  const auto descriptor = found.As<v8::Object>();
  if (!descriptor->Get(context_, value_key_).ToLocal(&value))
    return note_unknown("a property can't be read");
  const auto bits = static_cast<uint8_t>(attributes);
  if (value->IsUndefined() && !descriptor->HasOwnProperty(context_, value_key_).FromMaybe(true)) {
    if (!descriptor->Get(context_, get_key_).ToLocal(&get) ||
        !descriptor->Get(context_, set_key_).ToLocal(&set))
      return note_unknown("a property can't be read");
    add(label + ".get", get, bits);
    return add(label + ".set", set, bits);
  }
  if (object->IsArray() && value->IsUint32() && label == ".length")
    return add_size(label, mix(value.As<v8::Uint32>()->Value(), bits));
  add(label, value, bits);
}

// A class without #private fields, but with such methods, marks its objects, with its scope.
void Painter::paint_private(v8::Local<v8::Object> object) {
  v8::Local<v8::Array> names;
  v8::Local<v8::Value> name, value;
  if (!layout_.private_names(context_, object).ToLocal(&names))
    return note_unknown("its #private fields can't be read");
  for (uint32_t i = 0; i < names->Length(); ++i) {
    if (!names->Get(context_, i).ToLocal(&name) || layout_.kind(name) != HeapLayout::Kind::symbol ||
        !object->GetPrivate(context_, name.As<v8::Private>()).ToLocal(&value))
      return note_unknown("its #private fields can't be read");
    const auto description = name.As<v8::Symbol>()->Description(isolate_);
    const std::string label =
        "." + (description->IsString() ? to_text(isolate_, description.As<v8::String>()) : "#");
    add("[[key]]" + label, name);
    add(label, value);
  }
}

void Painter::paint_entries(v8::Local<v8::Array> entries, bool are_pairs) {
  v8::Local<v8::Value> key, value;
  for (uint32_t i = 0; i < entries->Length(); i += are_pairs ? 2 : 1) {
    const v8::HandleScope handles(isolate_);
    if (!entries->Get(context_, i).ToLocal(&key) ||
        (are_pairs && !entries->Get(context_, i + 1).ToLocal(&value)))
      return note_unknown("its entries can't be read");
    const std::string label = key_label(key);
    add("[[key]]" + label, key);
    if (are_pairs)
      add(label, value);
  }
}

// A function's own words but what it has closed over are V8's, or properties.
void Painter::paint_function(v8::Local<v8::Function> function) {
  if (!function->GetBoundFunction()->IsUndefined())
    return paint_internal(function);
  const auto code = HeapLayout::handle(isolate_, layout_.code_of(function));
  const auto closure = HeapLayout::handle(isolate_, layout_.context_of(function));
  if (function->ScriptId() == v8::UnboundScript::kNoScriptId) {
    const auto built_in = layout_.built_in(function);
    if (!built_in)
      note_unknown("a function of V8's");
    add_content(built_in.value_or(0));
  }
  if (const auto source = function->GetScriptOrigin().ResourceName();
      !source.IsEmpty() && source->IsString() &&
      to_text(isolate_, source.As<v8::String>()).starts_with("wasm://"))
    note_unknown("a function of WebAssembly");
  add_content(mix(static_cast<uint64_t>(function->ScriptId()),
                  mix(static_cast<uint64_t>(function->GetScriptLineNumber()),
                      static_cast<uint64_t>(function->GetScriptColumnNumber()))));
  add_node("[[code]]", node_of(code, Form::code));
  add("{", closure);
}

// What waits for a pending one is among its internal words. V8 also notes whether somebody listens,
// which matters only where it was rejected.
void Painter::paint_promise(v8::Local<v8::Promise> promise) {
  if (promise->State() == v8::Promise::kPending)
    return paint_internal(promise);
  add_content(static_cast<uint64_t>(promise->State()));
  if (promise->State() == v8::Promise::kRejected)
    add_content(promise->HasHandler());
  add("[[result]]", promise->Result());
}

// Those of Intl never change, and are what their options are; a WebAssembly.Tag is itself. An instance
// has words that are no values.
void Painter::paint_special(v8::Local<v8::Object> object) {
  if (layout_.type(object) == tools_.tag_type)
    return;
  if (layout_.type(object) == tools_.instance_type)
    return note_unknown("an instance of WebAssembly");
  v8::Local<v8::Value> argument = object, options;
  if (!tools_.intl_options->Call(context_, v8::Undefined(isolate_), 1, &argument).ToLocal(&options))
    return note_unknown("it can't be read");
  if (options->IsString())
    return add("[[options]]", options);
  paint_internal(object);
}

void Painter::paint_internal(v8::Local<v8::Value> thing) {
  for (const auto &value : handles(layout_.internal_words(thing)))
    add("[[internal]]", value);
}

void Painter::paint_buffer(const void *data, size_t bytes) {
  add_size(".byteLength", bytes);
  if (data != fresh_bytes_ && bytes > 0)
    add_edge("[[bytes]]", false, hash_of({static_cast<const char *>(data), bytes}), 0);
}

void Painter::paint_context(v8::Local<v8::Value> context) {
  const auto variables = handles(layout_.variables(context));
  const auto outer = HeapLayout::handle(isolate_, layout_.outer(context));
  const auto names = variable_names(layout_.description(context), variables.size());
  const bool is_top_level = layout_.is_top_level(context);
  present().is_scope = is_top_level;
  // V8's own: the module, or what it has learned of a script's variables.
  const auto own =
      layout_.is_module_context(context) ? HeapLayout::Kind::something : HeapLayout::Kind::list;
  const bool begins_with_own =
      is_top_level && !variables.empty() && layout_.kind(variables[0]) == own;
  for (size_t i = begins_with_own ? 1 : 0; i < variables.size(); ++i)
    add(is_top_level ? "." + names[i] : names[i] + "}", variables[i]);
  add("", outer);
}

void Painter::paint_list(v8::Local<v8::Value> list) {
  const auto values = handles(layout_.list(list));
  for (const auto &value : values)
    add("[[internal]]", value);
}

// --- edges -------------------------------------------------------------------------------------

void Painter::add(std::string_view label, v8::Local<v8::Value> value, uint8_t attributes) {
  const auto constant = [&](Primitive kind, uint64_t content = 0) {
    add_edge(label, false, lethe::constant(kind, content), attributes);
  };
  switch (layout_.kind(value)) {
  case HeapLayout::Kind::value:
    break;
  case HeapLayout::Kind::symbol:
    return add_node(label, node_of(value, Form::symbol), attributes);
  case HeapLayout::Kind::context:
    if (!layout_.is_native_context(value))
      return add_node(label, node_of(value, Form::context), attributes);
    if (HeapLayout::word(value) != HeapLayout::word(context_))
      note_unknown("another script's world");
    return;
  case HeapLayout::Kind::list:
    return add_node(label, node_of(value, Form::list), attributes);
  case HeapLayout::Kind::pair:
    return add_node(label, node_of(value, Form::pair), attributes);
  case HeapLayout::Kind::hole:
    return constant(Primitive::hole);
  case HeapLayout::Kind::something:
    return note_unknown("something of V8's");
  }
  if (value->IsObject())
    return add_node(label, node_of(value, Form::object), attributes);
  if (value->IsNumber()) {
    const double number = value.As<v8::Number>()->Value();
    uint64_t bits = 0;
    std::memcpy(&bits, &number, sizeof bits);
    return constant(Primitive::number, std::isnan(number) ? 1 : bits);
  }
  if (value->IsString())
    return constant(Primitive::string, text_hash(value.As<v8::String>()));
  if (value->IsBoolean())
    return constant(Primitive::boolean, value->IsTrue());
  if (value->IsBigInt()) {
    const auto number = value.As<v8::BigInt>();
    std::vector<uint64_t> words(static_cast<size_t>(number->WordCount()));
    int sign = 0, count = static_cast<int>(words.size());
    number->ToWordsArray(&sign, &count, words.data());
    return constant(Primitive::bigint, mix(static_cast<uint64_t>(sign),
                                           hash_of({reinterpret_cast<const char *>(words.data()),
                                                    words.size() * sizeof(uint64_t)})));
  }
  constant(value->IsNull() ? Primitive::null : Primitive::undefined);
}

void Painter::add_node(std::string_view label, uint32_t node, uint8_t attributes) {
  add_edge(label, true, node, attributes);
}

void Painter::add_size(std::string_view label, size_t size) {
  add_edge(label, false, size, 0, true);
}

void Painter::add_edge(std::string_view label, bool is_node, uint64_t value, uint8_t attributes,
                       bool is_size) {
  ++edges_;
  const uint32_t number = portrait_.label(label);
  present().edges.push_back({number, is_node, is_size, attributes, value});
}

void Painter::note_unknown(std::string_view why) { present().unknown = portrait_.label(why); }

// --- texts -------------------------------------------------------------------------------------

uint64_t Painter::text_hash(v8::Local<v8::String> text) {
  text_.resize(static_cast<size_t>(text->Length()));
  v8_compat::write_two_byte(isolate_, text, text_.data(), 0, text_.size());
  return hash_of({reinterpret_cast<const char *>(text_.data()), text_.size() * sizeof(uint16_t)});
}

// Of a property. A long one is told apart by its hash.
std::string Painter::label_text(v8::Local<v8::Value> key) const {
  if (key->IsSymbol()) {
    const auto description = key.As<v8::Symbol>()->Description(isolate_);
    return "[" + (description->IsString() ? to_text(isolate_, description.As<v8::String>()) : "") +
           "]";
  }
  if (key->IsNumber())
    return "[" + std::to_string(static_cast<uint64_t>(key.As<v8::Number>()->Value())) + "]";
  std::string text = to_text(isolate_, key.As<v8::String>());
  if (text.size() > longest_label)
    text = shortened(text, longest_label / 2) + std::to_string(hash_of(text));
  return "." + text;
}

// Of an entry of a Map or Set.
std::string Painter::key_label(v8::Local<v8::Value> key) const {
  std::string text = "object";
  if (v8::Local<v8::String> shown;
      !key->IsObject() && !key->IsSymbol() && key->ToString(context_).ToLocal(&shown))
    text = to_text(isolate_, shown);
  text = shortened(std::move(text), longest_label);
  return key->IsString() ? ".get(\"" + text + "\")" : ".get(" + text + ")";
}

// For people: nothing but names depends on it. They stand in a row, or with their numbers in a table
// where there are many.
std::vector<std::string> Painter::variable_names(HeapWord description, size_t count) const {
  std::vector<std::string> names;
  for (const auto &name : HeapLayout::names(isolate_, description, count))
    names.push_back(name.IsEmpty() ? "[[variable " + std::to_string(names.size()) + "]]"
                                   : shortened(to_text(isolate_, name), longest_label));
  return names;
}

std::vector<v8::Local<v8::Value>> Painter::handles(std::span<const HeapWord> words) const {
  std::vector<v8::Local<v8::Value>> values;
  for (const HeapWord word : words)
    values.push_back(HeapLayout::handle(isolate_, word));
  return values;
}

bool Painter::is_extensible(v8::Local<v8::Object> object) const {
  v8::Local<v8::Value> argument = object, answer;
  return tools_.is_extensible->Call(context_, v8::Undefined(isolate_), 1, &argument)
             .ToLocal(&answer) &&
         answer->IsTrue();
}

} // namespace

Result<Portrait> paint(v8::Local<v8::Context> context, const std::vector<PortraitRoot> &roots,
                       const void *fresh_bytes, uint64_t until_ns) {
  v8::Isolate *isolate = context->GetIsolate();
  // Of another world: no script has changed it, nor has the pool's surface taken something away. V8
  // 13 keeps a WebAssembly.Tag for itself where scripts have no WebAssembly.
  const auto other = v8_compat::new_context(isolate);
  const v8::Context::Scope scope(other);
  const auto layout = HeapLayout::find(other);
  if (!layout)
    return Error(ErrorCode::internal, "this V8's objects are laid out in an unknown way");
  const Tools tools(other);
  const v8::Context::Scope own_scope(context);
  return Painter(context, *layout, tools, fresh_bytes, until_ns).paint(roots);
}

} // namespace lethe
