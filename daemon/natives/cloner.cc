// SPDX-License-Identifier: Apache-2.0
// A walk in the specification's order with a stack of its own, so that no depth is too deep.
// Scripts run in between (getters), so nothing is assumed to stay as it was.
#include "daemon/natives/cloner.h"
#include "daemon/engine/engine.h"
#include "daemon/engine/interrupts.h"
#include "daemon/engine/v8_compat.h"

namespace lethe {
namespace {

constexpr auto own_enumerable =
    static_cast<v8::PropertyFilter>(v8::ONLY_ENUMERABLE | v8::SKIP_SYMBOLS);

// Up to here each index of an array is looked at, even if few are in use.
constexpr uint32_t long_array = 65536;

v8::Local<v8::Private> platform_key(v8::Isolate *isolate) {
  return v8::Private::ForApi(isolate, to_name(isolate, "lethe.platform"));
}

} // namespace

v8::Local<v8::Object> CloneMemory::find(v8::Local<v8::Object> source) const {
  if (table_.empty())
    return {};
  const int hash = source->GetIdentityHash();
  const size_t mask = table_.size() - 1;
  for (size_t at = static_cast<size_t>(hash) & mask; table_[at] != 0; at = (at + 1) & mask) {
    const Pair &pair = pairs_[table_[at] - 1];
    if (pair.hash == hash && pair.source == source)
      return pair.target;
  }
  return {};
}

void CloneMemory::add(v8::Local<v8::Object> source, v8::Local<v8::Object> target) {
  pairs_.push_back({source->GetIdentityHash(), source, target});
  if (pairs_.size() * 2 > table_.size()) {
    table_.assign(table_.empty() ? 16 : table_.size() * 2, 0);
    for (uint32_t number = 1; number < pairs_.size(); ++number)
      place(number);
  }
  place(static_cast<uint32_t>(pairs_.size()));
}

void CloneMemory::place(uint32_t number) {
  const size_t mask = table_.size() - 1;
  size_t at = static_cast<size_t>(pairs_[number - 1].hash) & mask;
  while (table_[at] != 0)
    at = (at + 1) & mask;
  table_[at] = number;
}

Cloner::Cloner(v8::Local<v8::Context> context, v8::Local<v8::Function> refuse,
               v8::Local<v8::Function> keys, v8::Local<v8::Array> error_prototypes)
    : isolate_(context->GetIsolate()), context_(context), refuse_(refuse), keys_(keys),
      error_prototypes_(error_prototypes),
      object_prototype_(v8_compat::prototype_of(v8::Object::New(isolate_))),
      platform_key_(platform_key(isolate_)) {}

bool Cloner::set_platform(v8::Local<v8::Context> context, v8::Local<v8::Object> prototype,
                          v8::Local<v8::Value> how) {
  return prototype->SetPrivate(context, platform_key(context->GetIsolate()), how).FromMaybe(false);
}

v8::Local<v8::String> Cloner::name(const char *text) const { return to_name(isolate_, text); }

bool Cloner::refuse(const std::string &message) {
  v8::Local<v8::Value> argument = to_string(isolate_, message);
  (void)refuse_->Call(context_, v8::Undefined(isolate_), 1, &argument).IsEmpty();
  return false;
}

v8::MaybeLocal<v8::Object> Cloner::refuse_object(v8::Local<v8::Object> source) {
  const std::string what = to_text(isolate_, source->GetConstructorName());
  refuse((source->IsFunction() ? "a function" : "an object of type " + what) +
         " could not be cloned");
  return {};
}

bool Cloner::transfer(v8::Local<v8::Array> list) {
  for (uint32_t i = 0; i < list->Length(); ++i) {
    v8::Local<v8::Value> value;
    if (!list->Get(context_, i).ToLocal(&value))
      return false;
    if (!value->IsArrayBuffer())
      return refuse("only an ArrayBuffer can be transferred");
    const auto buffer = value.As<v8::ArrayBuffer>();
    if (!memory_.find(buffer).IsEmpty())
      return refuse("an ArrayBuffer is in the list of what is to be transferred more than once");
    if (buffer->WasDetached())
      return refuse("an ArrayBuffer that is detached could not be transferred");
    if (!buffer->IsDetachable()) {
      isolate_->ThrowException(v8::Exception::TypeError(
          to_string(isolate_, "the memory of WebAssembly cannot be transferred")));
      return false;
    }
    memory_.add(buffer, v8::ArrayBuffer::New(isolate_, buffer->GetBackingStore()));
    transferred_.push_back(buffer);
  }
  return true;
}

// Getters have run since transfer(): the clone of a buffer that was resized has the length of
// before, but memory that is not there any more.
bool Cloner::detach_transferred() {
  for (const auto &buffer : transferred_) {
    if (buffer->WasDetached())
      return refuse("an ArrayBuffer was detached before it could be transferred");
    if (!buffer->IsDetachable())
      return refuse("an ArrayBuffer was given to asm.js before it could be transferred");
    if (memory_.find(buffer).As<v8::ArrayBuffer>()->ByteLength() != buffer->ByteLength())
      return refuse("an ArrayBuffer was resized before it could be transferred");
  }
  for (const auto &buffer : transferred_)
    v8_compat::detach(buffer);
  return true;
}

v8::MaybeLocal<v8::Value> Cloner::clone(v8::Local<v8::Value> value) {
  v8::Local<v8::Value> result;
  if (!clone_value(value, result))
    return {};
  while (!frames_.empty())
    if (Interrupts::instance().requested() || !advance())
      return {};
  return result;
}

// Primitive values are their own clones. What is in an object comes later.
bool Cloner::clone_value(v8::Local<v8::Value> value, v8::Local<v8::Value> &result) {
  if (value->IsSymbol())
    return refuse("a symbol could not be cloned");
  result = value;
  if (!value->IsObject())
    return true;
  const auto source = value.As<v8::Object>();
  v8::Local<v8::Object> target = memory_.find(source);
  if (target.IsEmpty() && !begin(source).ToLocal(&target))
    return false;
  result = target;
  return true;
}

// A new object for `source`, known to the memory, and a frame for its contents if it has some.
v8::MaybeLocal<v8::Object> Cloner::begin(v8::Local<v8::Object> source) {
  const bool is_ordinary = v8_compat::is_ordinary_object(source);
  v8::Local<v8::Object> target;
  if (is_ordinary || source->IsNativeError()) {
    bool is_platform = false;
    if (!begin_platform(source, is_platform).ToLocal(&target) && is_platform)
      return {};
    if (!is_platform && is_ordinary)
      target = v8::Object::New(isolate_);
    else if (!is_platform && !begin_error(source).ToLocal(&target))
      return {};
    memory_.add(source, target);
    return is_platform || !is_ordinary || push_properties(source, target)
               ? target
               : v8::MaybeLocal<v8::Object>();
  }
  // The only exotic object that becomes an ordinary one.
  if (source == object_prototype_) {
    target = v8::Object::New(isolate_);
    memory_.add(source, target);
    return push_properties(source, target) ? target : v8::MaybeLocal<v8::Object>();
  }
  if (source->IsArray())
    return begin_array(source.As<v8::Array>());
  if (source->IsArrayBufferView())
    return copy_view(source.As<v8::ArrayBufferView>());
  if (!begin_other(source).ToLocal(&target))
    return {};
  memory_.add(source, target);
  if (source->IsMap() || source->IsSet()) {
    const auto entries =
        source->IsMap() ? source.As<v8::Map>()->AsArray() : source.As<v8::Set>()->AsArray();
    frames_.push_back({source->IsMap() ? Kind::map : Kind::set,
                       source,
                       target,
                       entries,
                       0,
                       entries->Length(),
                       {}});
  }
  return target;
}

v8::MaybeLocal<v8::Object> Cloner::begin_platform(v8::Local<v8::Object> source, bool &is_platform) {
  v8::Local<v8::Value> prototype = v8_compat::prototype_of(source);
  if (prototype == object_prototype_)
    return {};
  if (prototype != asked_prototype_) {
    asked_prototype_ = prototype;
    asked_platform_ = v8::Undefined(isolate_);
    for (; prototype->IsObject() && !prototype->IsProxy() && prototype != object_prototype_;
         prototype = v8_compat::prototype_of(prototype.As<v8::Object>())) {
      if (!prototype.As<v8::Object>()
               ->GetPrivate(context_, platform_key_)
               .ToLocal(&asked_platform_)) {
        is_platform = true; // an exception is pending
        return {};
      }
      if (!asked_platform_->IsUndefined())
        break;
    }
  }
  if (asked_platform_->IsUndefined())
    return {};
  is_platform = true;
  if (!asked_platform_->IsFunction())
    return refuse_object(source);
  v8::Local<v8::Value> argument = source, copy;
  if (!asked_platform_.As<v8::Function>()
           ->Call(context_, v8::Undefined(isolate_), 1, &argument)
           .ToLocal(&copy))
    return {};
  if (copy->IsObject())
    return copy.As<v8::Object>();
  is_platform = false; // something that was given its prototype
  return {};
}

// Elements up to the first that is an object are read at once.
v8::MaybeLocal<v8::Object> Cloner::begin_array(v8::Local<v8::Array> source) {
  const uint32_t length = source->Length();
  v8::Local<v8::Array> names;
  if (length > long_array)
    return begin_long_array(source);
  if (!source
           ->GetPropertyNames(context_, v8::KeyCollectionMode::kOwnOnly, own_enumerable,
                              v8::IndexFilter::kSkipIndices)
           .ToLocal(&names))
    return {};
  uint32_t next = 0;
  bool is_read = false;
  v8::EscapableHandleScope scope(isolate_);
  std::vector<v8::Local<v8::Value>> elements;
  elements.reserve(length);
  for (; next < length; ++next) {
    v8::Local<v8::Value> value;
    bool is_there = true;
    if (!source->Get(context_, next).ToLocal(&value) ||
        (value->IsUndefined() && !source->HasOwnProperty(context_, next).To(&is_there)))
      return {};
    if (!is_there)
      break;
    elements.push_back(value);
    is_read = value->IsObject() || value->IsSymbol();
    if (is_read)
      break;
  }
  const auto target =
      scope.Escape(v8::Array::New(isolate_, elements.data(), elements.size()).As<v8::Object>());
  memory_.add(source, target);
  if (names->Length() > 0)
    frames_.push_back({Kind::properties, source, target, names, 0, names->Length(), {}});
  if (next < length)
    frames_.push_back({Kind::elements, source, target, {}, next, length, {}, is_read});
  return target;
}

// What V8 takes for sparse is not gone through index by index.
v8::MaybeLocal<v8::Object> Cloner::begin_long_array(v8::Local<v8::Array> source) {
  const uint32_t length = source->Length();
  v8::Local<v8::Array> names;
  if (!source->GetOwnPropertyNames(context_, own_enumerable, v8::KeyConversionMode::kKeepNumbers)
           .ToLocal(&names))
    return {};
  // V8 makes room for the length it is given.
  const bool is_dense = names->Length() >= length / 2;
  const auto target = v8::Array::New(isolate_, is_dense ? static_cast<int>(length) : 0);
  if (!is_dense &&
      !target->Set(context_, name("length"), v8::Number::New(isolate_, length)).FromMaybe(false))
    return {};
  memory_.add(source, target);
  frames_.push_back({Kind::properties, source, target, names, 0, names->Length(), {}});
  return target;
}

bool Cloner::push_properties(v8::Local<v8::Object> source, v8::Local<v8::Object> target) {
  v8::Local<v8::Value> argument = source, names;
  if (!keys_->Call(context_, v8::Undefined(isolate_), 1, &argument).ToLocal(&names))
    return false;
  if (!names->IsArray())
    return refuse("Object.keys has been changed");
  const auto list = names.As<v8::Array>();
  if (list->Length() > 0)
    frames_.push_back({Kind::properties, source, target, list, 0, list->Length(), {}});
  return true;
}

// Goes on with the innermost object until it is done or another one begins in it.
bool Cloner::advance() {
  const size_t depth = frames_.size();
  Frame frame = frames_.back();
  while (frame.next < frame.count) {
    const bool good = frame.kind == Kind::properties ? advance_property(frame)
                      : frame.kind == Kind::elements ? advance_element(frame)
                                                     : advance_entry(frame);
    if (!good)
      return false;
    ++frame.next;
    if (frames_.size() > depth) {
      frames_[depth - 1] = frame;
      return true;
    }
  }
  frames_.pop_back();
  // An array may end with holes.
  return frame.kind != Kind::elements || frame.target.As<v8::Array>()->Length() == frame.count ||
         frame.target->Set(context_, name("length"), v8::Number::New(isolate_, frame.count))
             .FromMaybe(false);
}

bool Cloner::advance_property(Frame &frame) {
  v8::Local<v8::Object> object; // a value that needs a clone
  const auto define = [&](v8::Local<v8::Value> key, v8::Local<v8::Value> value) {
    return (key->IsName()
                ? frame.target->CreateDataProperty(context_, key.As<v8::Name>(), value)
                : frame.target->CreateDataProperty(context_, key.As<v8::Uint32>()->Value(), value))
        .FromMaybe(false);
  };
  {
    v8::EscapableHandleScope scope(isolate_);
    v8::Local<v8::Value> key, value;
    v8::Maybe<bool> is_there = v8::Just(true);
    if (!frame.list->Get(context_, frame.next).ToLocal(&key))
      return false;
    // The names may come from a script's function.
    if (!key->IsName() && !key->IsUint32())
      return refuse("Object.keys has been changed");
    if (!frame.source->Get(context_, key).ToLocal(&value))
      return false;
    // A getter before it may have removed it.
    if (value->IsUndefined())
      is_there = key->IsName()
                     ? frame.source->HasOwnProperty(context_, key.As<v8::Name>())
                     : frame.source->HasOwnProperty(context_, key.As<v8::Uint32>()->Value());
    if (is_there.IsNothing() || !is_there.FromJust())
      return is_there.IsJust();
    if (value->IsSymbol())
      return refuse("a symbol could not be cloned");
    if (!value->IsObject())
      return define(key, value);
    object = scope.Escape(value.As<v8::Object>());
  }
  v8::Local<v8::Value> key, clone;
  if (!clone_value(object, clone))
    return false;
  const v8::HandleScope scope(isolate_);
  return frame.list->Get(context_, frame.next).ToLocal(&key) &&
         (key->IsName() || key->IsUint32() || refuse("Object.keys has been changed")) &&
         define(key, clone);
}

bool Cloner::advance_element(Frame &frame) {
  v8::Local<v8::Object> object; // a value that needs a clone
  {
    v8::EscapableHandleScope scope(isolate_);
    v8::Local<v8::Value> value;
    bool is_there = true;
    const auto &holder = frame.is_read ? frame.target : frame.source;
    frame.is_read = false;
    if (!holder->Get(context_, frame.next).ToLocal(&value) ||
        (value->IsUndefined() && !frame.source->HasOwnProperty(context_, frame.next).To(&is_there)))
      return false;
    if (!is_there)
      return true;
    if (value->IsSymbol())
      return refuse("a symbol could not be cloned");
    if (!value->IsObject())
      return frame.target->CreateDataProperty(context_, frame.next, value).FromMaybe(false);
    object = scope.Escape(value.As<v8::Object>());
  }
  v8::Local<v8::Value> clone;
  return clone_value(object, clone) &&
         frame.target->CreateDataProperty(context_, frame.next, clone).FromMaybe(false);
}

// An entry's key or value of a map, an entry of a set, or an error's cause.
bool Cloner::advance_entry(Frame &frame) {
  v8::Local<v8::Value> entry, clone;
  if (!frame.list->Get(context_, frame.next).ToLocal(&entry) || !clone_value(entry, clone))
    return false;
  if (frame.kind == Kind::set)
    return !frame.target.As<v8::Set>()->Add(context_, clone).IsEmpty();
  if (frame.kind == Kind::cause)
    return frame.target->DefineOwnProperty(context_, name("cause"), clone, v8::DontEnum)
        .FromMaybe(false);
  if (frame.next % 2 == 0) {
    frame.key = clone;
    return true;
  }
  return !frame.target.As<v8::Map>()->Set(context_, frame.key, clone).IsEmpty();
}

} // namespace lethe
