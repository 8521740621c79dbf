// SPDX-License-Identifier: Apache-2.0
// Builds JavaScript values. Properties are defined, never assigned: a setter on a prototype must
// not run, and __proto__ is a name like any other.
#include "daemon/engine/value_reader.h"
#include "ipc/utf8.h"
#include "ipc/value_path.h"

namespace lethe {

Error ValueReader::error() const {
  // The last item that was read, or its head.
  const size_t read = bytes_.size() - reader_.rest().size();
  return Error(ErrorCode::invalid_value, reason_)
      .with("path", path_to(std::max<size_t>(read, 1) - 1, bytes_, "$"));
}

bool ValueReader::make_string(std::string_view text, v8::NewStringType type,
                              v8::Local<v8::Value> &value) {
  v8::Local<v8::String> string;
  if (text.size() > static_cast<size_t>(v8::String::kMaxLength) ||
      !v8::String::NewFromUtf8(isolate_, text.data(), type, static_cast<int>(text.size()))
           .ToLocal(&string))
    return fail("a string is too long for JavaScript");
  // V8 replaces what is not UTF-8 by U+FFFD, which no string of one byte a character has: so nearly
  // all are known to be right without a second look.
  if (!string->IsOneByte() && !is_utf8(text))
    return fail(broken_text_reason);
  value = string;
  return true;
}

v8::Local<v8::Value> ValueReader::bytes_value(std::string_view bytes) {
  const auto buffer = v8::ArrayBuffer::New(isolate_, bytes.size());
  if (!bytes.empty())
    std::memcpy(buffer->GetBackingStore()->Data(), bytes.data(), bytes.size());
  return v8::Uint8Array::New(buffer, 0, bytes.size());
}

bool ValueReader::read_value(v8::Local<v8::Value> &value, uint32_t depth) {
  Item item;
  if (!reader_.next(item))
    return false;
  switch (item.kind) {
  case Kind::nil:
    value = v8::Null(isolate_);
    return true;
  case Kind::boolean:
    value = v8::Boolean::New(isolate_, item.boolean);
    return true;
  case Kind::integer:
    if (item.integer == static_cast<int32_t>(item.integer))
      value = v8::Integer::New(isolate_, static_cast<int32_t>(item.integer));
    else if (item.integer >= -max_safe_integer && item.integer <= max_safe_integer)
      value = v8::Number::New(isolate_, static_cast<double>(item.integer));
    else
      value = v8::BigInt::New(isolate_, item.integer);
    return true;
  case Kind::unsigned_integer:
    value = v8::BigInt::NewFromUnsigned(isolate_, item.unsigned_integer);
    return true;
  case Kind::floating:
    value = v8::Number::New(isolate_, item.floating);
    return true;
  case Kind::string:
    return make_string(item.bytes, v8::NewStringType::kNormal, value);
  case Kind::binary:
    value = bytes_value(item.bytes);
    return true;
  case Kind::extension:
    return read_date(item, value);
  case Kind::array:
    return read_array(item.count, value, depth + 1);
  case Kind::map:
    return read_map(item.count, value, depth + 1);
  }
  return false;
}

bool ValueReader::read_array(uint32_t count, v8::Local<v8::Value> &value, uint32_t depth) {
  if (depth > max_depth_)
    return fail("the value is nested too deeply");
  const size_t base = stack_.size();
  for (uint32_t i = 0; i < count; ++i) {
    v8::Local<v8::Value> element;
    if (!read_value(element, depth))
      return false;
    stack_.push_back(element);
  }
  value = v8::Array::New(isolate_, stack_.data() + base, count);
  stack_.resize(base);
  return true;
}

bool ValueReader::read_key(v8::Local<v8::Value> &key, uint32_t depth) {
  // Only a string key is made an internalized one, as V8 wants for names: any other is read as the
  // value that it is.
  const Reader before = reader_;
  Item item;
  if (!reader_.next(item))
    return false;
  if (item.kind == Kind::string)
    return make_string(item.bytes, v8::NewStringType::kInternalized, key);
  reader_ = before;
  return read_value(key, depth);
}

// An object if all keys are strings, else a Map: known only at the end.
bool ValueReader::read_map(uint32_t count, v8::Local<v8::Value> &value, uint32_t depth) {
  if (depth > max_depth_)
    return fail("the value is nested too deeply");
  const size_t base = stack_.size();
  bool is_object = true;
  for (uint32_t i = 0; i < count; ++i) {
    v8::Local<v8::Value> key, element;
    if (!read_key(key, depth) || !read_value(element, depth))
      return false;
    is_object = is_object && key->IsString();
    stack_.push_back(key);
    stack_.push_back(element);
  }
  const auto object = is_object ? v8::Object::New(isolate_) : v8::Local<v8::Object>();
  const auto map = is_object ? v8::Local<v8::Map>() : v8::Map::New(isolate_);
  for (size_t i = base; i < stack_.size(); i += 2) {
    const bool done =
        is_object ? object->CreateDataProperty(context_, stack_[i].As<v8::String>(), stack_[i + 1])
                        .FromMaybe(false)
                  : !map->Set(context_, stack_[i], stack_[i + 1]).IsEmpty();
    if (!done)
      return fail("the value does not fit into memory");
  }
  stack_.resize(base);
  value = is_object ? object.As<v8::Value>() : map.As<v8::Value>();
  return true;
}

bool ValueReader::read_date(const Item &item, v8::Local<v8::Value> &value) {
  if (item.extension_type != timestamp_extension)
    return fail("an extension type other than timestamp has no JavaScript value");
  const auto timestamp = read_timestamp(item.bytes);
  if (!timestamp)
    return fail("a timestamp has 4, 8 or 12 bytes, and less than a second of nanoseconds");
  const uint32_t whole =
      timestamp->nanoseconds / 1'000'000; // the rest is dropped, also before 1970
  const double milliseconds = static_cast<double>(timestamp->seconds) * 1000 + whole;
  // Date's constructor of the API makes an invalid date of what is out of range.
  v8::Local<v8::Value> date;
  if (!v8::Date::New(context_, milliseconds).ToLocal(&date))
    return fail("a timestamp is out of range");
  value = date;
  return true;
}

bool ValueReader::read_list(std::vector<v8::Local<v8::Value>> &elements) {
  const auto count = reader_.array();
  if (!count)
    return fail("the arguments are not an array");
  for (uint32_t i = 0; i < *count; ++i) {
    v8::Local<v8::Value> element;
    if (!read_value(element, 0))
      return false;
    elements.push_back(element);
  }
  return true;
}

bool ValueReader::read_properties(v8::Local<v8::Object> target) {
  Item item;
  if (!reader_.next(item))
    return false;
  if (item.kind == Kind::nil)
    return true;
  if (item.kind != Kind::map)
    return fail("globals are not a map");
  for (uint32_t i = 0, count = item.count; i < count; ++i) {
    v8::Local<v8::Value> key, element;
    if (!reader_.next(item))
      return false;
    // Some languages have one type for texts and bytes.
    if (item.kind != Kind::string && item.kind != Kind::binary)
      return fail("the name of a global is not a string");
    if (!make_string(item.bytes, v8::NewStringType::kInternalized, key) || !read_value(element, 0))
      return false;
    if (!target->CreateDataProperty(context_, key.As<v8::String>(), element).FromMaybe(false))
      return fail("a global of this name cannot be set");
  }
  return true;
}

} // namespace lethe
