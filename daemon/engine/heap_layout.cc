// SPDX-License-Identifier: Apache-2.0
// Objects that are made to be looked at, and what is read of others then.
#include "daemon/engine/heap_layout.h"
#include "daemon/engine/engine.h"

#include <cstring>

namespace lethe {
namespace {

using v8::internal::Internals;

// Of all objects: the map first. A JavaScript object goes on with properties and elements; a list
// and a context with their length.
constexpr size_t header_words = 3, list_header_words = 2;
// Of a context, before the variables: what describes them, and the context around.
constexpr size_t context_header_words = 2;
constexpr size_t description_index = 0, outer_index = 1;
// Of a map, which is an object itself.
constexpr size_t size_byte = sizeof(HeapWord), first_property_byte = size_byte + 1;
// The kinds of contexts follow each other by name: await, block, catch, debug-evaluate, eval,
// function, module, native, script, with.
constexpr int first_context = -5, module_context = 1, native_context = 2, script_context = 3,
              last_context = 4; // from the function's

const HeapWord *words_of(HeapWord object) { return reinterpret_cast<HeapWord *>(object - 1); }

uint8_t map_byte(HeapWord object, size_t byte) {
  return reinterpret_cast<const uint8_t *>(words_of(words_of(object)[0]))[byte];
}

std::span<const HeapWord> list_words(HeapWord list) {
  const HeapWord *words = words_of(list);
  return {words + list_header_words, static_cast<size_t>(Internals::SmiValue(words[1]))};
}

// Which says what the function does: the first or, where that is not used, the second.
HeapWord code_word(HeapWord code) {
  const HeapWord *words = words_of(code);
  return words[1] != 0 ? words[1] : words[2];
}

bool is_small(HeapWord word, int value) {
  return HeapLayout::is_small_integer(word) && Internals::SmiValue(word) == value;
}

v8::Local<v8::Function> make(v8::Local<v8::Context> context, const char *source) {
  return evaluate(context, source).As<v8::Function>();
}

} // namespace

std::optional<HeapLayout> HeapLayout::find(v8::Local<v8::Context> context) {
  HeapLayout layout;
  if (!layout.find_functions(context) || !layout.find_others(context) ||
      !layout.find_private_names(context))
    return std::nullopt;
  return layout;
}

bool HeapLayout::find_functions(v8::Local<v8::Context> context) {
  constexpr size_t most_words = 9;
  constexpr int value = 4711;
  const auto plain = make(context, "(function () {})");
  const auto closure =
      make(context, "(function () { const a = 4711, b = 4712; return () => () => [a, b]; })()");
  const HeapWord native = word(context);
  const size_t size = map_byte(word(plain), size_byte);
  if (size <= header_words || size > most_words)
    return false;
  for (size_t i = header_words; i < size; ++i)
    if (words_of(word(plain))[i] == native)
      context_index_ = i;
  if (context_index_ <= header_words) // the code is before it
    return false;
  const HeapWord inner = words_of(word(closure))[context_index_];
  if (is_small_integer(inner) || map_byte(inner, size_byte) != 0)
    return false;
  const auto variables = list_words(inner);
  if (variables.size() != context_header_words + 2 || variables[outer_index] != native ||
      !is_small(variables[context_header_words], value) ||
      !is_small(variables[context_header_words + 1], value + 1))
    return false;
  function_context_type_ = Internals::GetInstanceType(inner);
  native_context_type_ = Internals::GetInstanceType(native);
  if (native_context_type_ != function_context_type_ + native_context)
    return false;
  const auto siblings =
      make(context, "const make = () => () => 1; const one = make(); one.other = make(); one");
  v8::Local<v8::Value> other;
  return siblings->Get(context, to_name(context->GetIsolate(), "other")).ToLocal(&other) &&
         other->IsFunction() && code_of(siblings) == code_of(other.As<v8::Function>()) &&
         code_of(siblings) != code_of(plain) && !is_small_integer(code_of(plain)) &&
         is_top_level(handle(context->GetIsolate(), context_of(siblings)));
}

bool HeapLayout::find_others(v8::Local<v8::Context> context) {
  const auto bound = make(context, "(function () {}).bind(4711, 4712)");
  const auto early = make(context, "(() => { return () => late; let late; })()");
  const auto owner =
      make(context, "(() => { class A { get #a() { return 1; } b() { return this.#a; } "
                    "} return A.prototype.b; })()");
  for (const HeapWord each : internal_words(bound))
    if (!is_small_integer(each) && map_byte(each, size_byte) == 0 && list_words(each).size() == 1 &&
        is_small(list_words(each)[0], 4712))
      list_map_ = words_of(each)[0];
  const auto variables = list_words(context_of(early));
  if (list_map_ == 0 || variables.size() != context_header_words + 1)
    return false;
  hole_ = variables[context_header_words];
  v8::Isolate *isolate = context->GetIsolate();
  // Any function of ours: this one is not called.
  const auto native = v8::Function::New(context, [](const v8::FunctionCallbackInfo<v8::Value> &) {
                      }).ToLocalChecked();
  if (const HeapWord each = code_word(code_of(native)); !is_small_integer(each))
    template_type_ = Internals::GetInstanceType(each);
  symbol_type_ = type(v8::Symbol::GetIterator(isolate));
  if (is_small_integer(hole_) || handle(isolate, hole_)->IsUndefined())
    return false;
  for (const HeapWord each : this->variables(handle(isolate, context_of(owner))))
    if (!is_small_integer(each) && kind(handle(isolate, each)) == Kind::something)
      pair_type_ = Internals::GetInstanceType(each);
  const auto built_in_of = [&](const char *source) {
    return built_in(evaluate(context, source).As<v8::Function>());
  };
  return pair_type_ != 0 && built_in(native) == HeapWord{0} && built_in_of("Math.sin") > 0 &&
         built_in_of("Math.sin") != built_in_of("Math.cos");
}

bool HeapLayout::find_private_names(v8::Local<v8::Context> context) {
  constexpr unsigned first_filter = 32, last_filter = 1024; // the interface's values are below
  const auto object =
      evaluate(context, "new (class { #a = 4711; b = 1; [Symbol.iterator] = 2; })()")
          .As<v8::Object>();
  for (private_filter_ = first_filter; private_filter_ <= last_filter; private_filter_ *= 2) {
    v8::Local<v8::Array> names;
    v8::Local<v8::Value> name, value;
    if (private_names(context, object).ToLocal(&names) && names->Length() == 1 &&
        names->Get(context, 0).ToLocal(&name) && kind(name) == Kind::symbol && !name->IsSymbol() &&
        object->GetPrivate(context, name.As<v8::Private>()).ToLocal(&value) &&
        is_small(word(value), 4711))
      return true;
  }
  return false;
}

v8::MaybeLocal<v8::Array> HeapLayout::private_names(v8::Local<v8::Context> context,
                                                    v8::Local<v8::Object> object) const {
  v8::PropertyFilter filter;
  static_assert(sizeof filter == sizeof private_filter_);
  std::memcpy(&filter, &private_filter_, sizeof filter); // not one of the enumeration's values
  return object->GetPropertyNames(context, v8::KeyCollectionMode::kOwnOnly, filter,
                                  v8::IndexFilter::kSkipIndices,
                                  v8::KeyConversionMode::kKeepNumbers);
}

v8::Local<v8::Value> HeapLayout::handle(v8::Isolate *isolate, HeapWord word) {
  // A handle is the address of a word that V8's collections know; this one is ours, for a moment.
  v8::Local<v8::Value> ours;
  const HeapWord *place = &word;
  static_assert(sizeof ours == sizeof place);
  std::memcpy(static_cast<void *>(&ours), &place, sizeof place);
  return v8::Local<v8::Value>::New(isolate, ours);
}

HeapLayout::Kind HeapLayout::kind(v8::Local<v8::Data> thing) const {
  const HeapWord address = word(thing);
  if (is_small_integer(address))
    return Kind::value;
  if (address == hole_)
    return Kind::hole;
  if (Internals::GetInstanceType(address) == symbol_type_)
    return Kind::symbol;
  const auto value = thing.As<v8::Value>(); // these ask for nothing but the kind of object
  if (value->IsObject() || value->IsString() || value->IsNumber() || value->IsBigInt() ||
      value->IsNullOrUndefined() || value->IsBoolean())
    return Kind::value;
  const int type = Internals::GetInstanceType(address);
  if (type >= function_context_type_ + first_context &&
      type <= function_context_type_ + last_context)
    return Kind::context;
  if (words_of(address)[0] == list_map_)
    return Kind::list;
  return type == pair_type_ ? Kind::pair : Kind::something;
}

int HeapLayout::type(v8::Local<v8::Data> object) {
  return Internals::GetInstanceType(word(object));
}

bool HeapLayout::is_native_context(v8::Local<v8::Data> context) const {
  return Internals::GetInstanceType(word(context)) == native_context_type_;
}

bool HeapLayout::is_module_context(v8::Local<v8::Data> context) const {
  return Internals::GetInstanceType(word(context)) == function_context_type_ + module_context;
}

bool HeapLayout::is_top_level(v8::Local<v8::Data> context) const {
  return is_module_context(context) ||
         Internals::GetInstanceType(word(context)) == function_context_type_ + script_context;
}

HeapWord HeapLayout::context_of(v8::Local<v8::Function> function) const {
  return words_of(word(function))[context_index_];
}

HeapWord HeapLayout::code_of(v8::Local<v8::Function> function) const {
  return words_of(word(function))[context_index_ - 1];
}

std::optional<HeapWord> HeapLayout::built_in(v8::Local<v8::Function> function) const {
  const HeapWord word = code_word(code_of(function));
  if (is_small_integer(word))
    return word;
  return Internals::GetInstanceType(word) == template_type_ ? std::optional<HeapWord>(0)
                                                            : std::nullopt;
}

HeapWord HeapLayout::outer(v8::Local<v8::Data> context) const {
  return list_words(word(context))[outer_index];
}

HeapWord HeapLayout::description(v8::Local<v8::Data> context) const {
  return list_words(word(context))[description_index];
}

// They stand in a row after a few numbers; or, where there are many, each with its number in a table.
// V8 may have a variable of its own before those that have a name, and a function's own name after
// them.
std::vector<v8::Local<v8::String>> HeapLayout::names(v8::Isolate *isolate, HeapWord description,
                                                     size_t variables) {
  constexpr size_t count_word = 3, most_numbers = 8, most_in_a_row = 75;
  const auto is_string = [&](HeapWord word) {
    return !is_small_integer(word) && handle(isolate, word)->IsString();
  };
  std::vector<v8::Local<v8::String>> names(variables);
  const HeapWord *words = words_of(description);
  const auto count = static_cast<size_t>(
      is_small_integer(words[count_word]) ? Internals::SmiValue(words[count_word]) : 0);
  if (count == 0 || count > variables || variables - count > 2)
    return names;
  const size_t first = variables - count > 0 ? 1 : 0;
  const auto note = [&](size_t number, HeapWord name) {
    if (first + number < variables)
      names[first + number] = handle(isolate, name).As<v8::String>();
  };
  size_t at = count_word + 1;
  while (at < most_numbers && is_small_integer(words[at]))
    ++at;
  if (at == most_numbers)
    return names;
  if (count < most_in_a_row) {
    for (size_t i = 0; i < count && is_string(words[at + i]); ++i)
      note(i, words[at + i]);
    return names;
  }
  if (map_byte(words[at], size_byte) != 0)
    return names;
  const auto table = list_words(words[at]);
  for (size_t i = 0; i + 1 < table.size(); ++i)
    if (is_string(table[i]) && is_small_integer(table[i + 1]))
      note(static_cast<size_t>(Internals::SmiValue(table[i + 1])), table[i]);
  return names;
}

std::span<const HeapWord> HeapLayout::variables(v8::Local<v8::Data> context) const {
  return list_words(word(context)).subspan(context_header_words);
}

std::span<const HeapWord> HeapLayout::list(v8::Local<v8::Data> list) const {
  return list_words(word(list));
}

std::span<const HeapWord> HeapLayout::internal_words(v8::Local<v8::Data> object) const {
  const HeapWord address = word(object);
  const bool is_object = object.As<v8::Value>()->IsObject();
  const size_t first = is_object ? header_words : 1;
  const size_t end = map_byte(address, is_object ? first_property_byte : size_byte);
  return {words_of(address) + first, end > first ? end - first : 0};
}

} // namespace lethe
