// SPDX-License-Identifier: Apache-2.0
// The way from globals to objects, breadth first, so that what is named has a short name.
#include "snapshot/leftovers.h"
#include "daemon/engine/engine.h"
#include "daemon/engine/v8_compat.h"

#include <algorithm>
#include <deque>

namespace lethe {
namespace {

constexpr int most_objects = 1'000'000;
constexpr std::string_view intl_classes[] = {
    "Collator",           "DateTimeFormat", "DisplayNames", "DurationFormat",
    "ListFormat",         "Locale",         "NumberFormat", "PluralRules",
    "RelativeTimeFormat", "Segmenter",      "Segments"};

// Of what cannot be stored; else empty. A script's own class of that name makes ordinary objects.
std::string unstorable_kind(v8::Isolate *isolate, v8::Local<v8::Object> object) {
  if (v8_compat::is_ordinary_object(object) || object->IsFunction())
    return "";
  std::string name = to_text(isolate, object->GetConstructorName());
  if (name == "FinalizationRegistry")
    return name;
  const std::string_view last = std::string_view(name).substr(name.rfind('.') + 1);
  return std::ranges::find(intl_classes, last) == std::end(intl_classes)
             ? ""
             : "Intl." + std::string(last);
}

class Walk {
public:
  explicit Walk(v8::Local<v8::Context> context)
      : isolate_(context->GetIsolate()), context_(context), known_(v8::Set::New(isolate_)),
        value_(to_name(isolate_, "value")), stack_(to_name(isolate_, "stack")) {}

  void begin_at(const std::string &global) {
    v8::Local<v8::Script> identifier;
    v8::Local<v8::Value> value;
    if (v8::Script::Compile(context_, to_string(isolate_, global)).ToLocal(&identifier) &&
        identifier->Run(context_).ToLocal(&value))
      reach(value, global);
  }

  std::string go() {
    std::string found;
    for (; !waiting_.empty(); waiting_.pop_front()) {
      const v8::HandleScope handles(isolate_);
      const auto &[path, object] = waiting_.front();
      const auto here = object.Get(isolate_);
      if (here->IsNativeError())
        keep_stack(here);
      if (const std::string kind = unstorable_kind(isolate_, here); found.empty() && !kind.empty())
        found.append(path).append(" (").append(kind).append(")");
      if (here->IsMap())
        reach_elements(here.As<v8::Map>()->AsArray(), path);
      if (here->IsSet())
        reach_elements(here.As<v8::Set>()->AsArray(), path);
      if (!here->IsTypedArray())
        reach_properties(here, path);
    }
    return found;
  }

private:
  struct Reached {
    std::string path;
    v8::Global<v8::Object> object;
  };

  void reach(v8::Local<v8::Value> value, const std::string &path) {
    if (!value->IsObject() || value->IsProxy() || known_->Has(context_, value).FromMaybe(true) ||
        known_->Size() >= most_objects)
      return;
    (void)known_->Add(context_, value).IsEmpty();
    waiting_.push_back({path, v8::Global<v8::Object>(isolate_, value.As<v8::Object>())});
  }

  void reach_elements(v8::Local<v8::Array> elements, const std::string &path) {
    for (uint32_t i = 0; i < elements->Length(); ++i)
      if (v8::Local<v8::Value> element; elements->Get(context_, i).ToLocal(&element))
        reach(element, path);
  }

  void reach_properties(v8::Local<v8::Object> object, const std::string &path) {
    v8::Local<v8::Array> keys;
    if (!object
             ->GetOwnPropertyNames(context_, v8::ALL_PROPERTIES,
                                   v8::KeyConversionMode::kConvertToString)
             .ToLocal(&keys))
      return;
    for (uint32_t i = 0; i < keys->Length(); ++i) {
      v8::Local<v8::Value> key, value;
      if (keys->Get(context_, i).ToLocal(&key) && own_value(object, key.As<v8::Name>(), value))
        reach(value, key->IsString() ? path + "." + to_text(isolate_, key.As<v8::String>()) : path);
    }
  }

  // Of no accessor.
  bool own_value(v8::Local<v8::Object> object, v8::Local<v8::Name> key,
                 v8::Local<v8::Value> &value) {
    v8::Local<v8::Value> descriptor;
    return object->GetOwnPropertyDescriptor(context_, key).ToLocal(&descriptor) &&
           descriptor->IsObject() &&
           descriptor.As<v8::Object>()->HasOwnProperty(context_, value_).FromMaybe(false) &&
           descriptor.As<v8::Object>()->Get(context_, value_).ToLocal(&value);
  }

  // Anew: what V8 has there hands a value that is defined on to where stacks are.
  void keep_stack(v8::Local<v8::Object> error) {
    v8::Local<v8::Value> text;
    if (error->HasOwnProperty(context_, stack_).FromMaybe(false) &&
        error->Get(context_, stack_).ToLocal(&text) && text->IsString() &&
        error->Delete(context_, stack_).FromMaybe(false))
      (void)error->DefineOwnProperty(context_, stack_, text, v8::DontEnum).FromMaybe(false);
  }

  v8::Isolate *isolate_;
  v8::Local<v8::Context> context_;
  v8::Local<v8::Set> known_;
  v8::Local<v8::Name> value_, stack_;
  std::deque<Reached> waiting_;
};

} // namespace

std::string care_for_leftovers(v8::Local<v8::Context> context,
                               const std::vector<std::string> &names) {
  const v8::HandleScope handles(context->GetIsolate());
  const v8::TryCatch drop(context->GetIsolate());
  Walk walk(context);
  for (const std::string &name : names)
    walk.begin_at(name);
  return walk.go();
}

} // namespace lethe
