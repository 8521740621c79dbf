// SPDX-License-Identifier: Apache-2.0
// Walks JavaScript values. Scripts run in between (getters, toJSON), so nothing is assumed to stay
// as it was.
#include "daemon/engine/value_writer.h"
#include "daemon/engine/interrupts.h"
#include "ipc/message_pack.h"
#include "ipc/value_path.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

namespace lethe {
namespace {

constexpr auto own_enumerable =
    static_cast<v8::PropertyFilter>(v8::ONLY_ENUMERABLE | v8::SKIP_SYMBOLS);

// As Array.isArray has it.
bool is_array(v8::Local<v8::Value> value) {
  while (value->IsProxy())
    value = value.As<v8::Proxy>()->GetTarget();
  return value->IsArray();
}

bool is_left_out(v8::Local<v8::Value> value) {
  return value->IsUndefined() || value->IsFunction() || value->IsSymbol();
}

size_t string_head_bytes(size_t length) {
  return length < 32 ? 1 : length < 256 ? 2 : length < 65536 ? 3 : 5;
}

void put_big_endian(char *target, size_t value, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i)
    target[i] = static_cast<char>(value >> 8 * (bytes - 1 - i));
}

void put_string_head(char *target, size_t length) {
  const size_t bytes = string_head_bytes(length);
  target[0] = static_cast<char>(bytes == 1   ? 0xa0 | length
                                : bytes == 2 ? 0xd9
                                : bytes == 3 ? 0xda
                                             : 0xdb);
  put_big_endian(target + 1, length, bytes - 1);
}

// The head of a map whose size is known at the end only: written for `most` pairs, then corrected
// in place.
size_t map_head_bytes(uint32_t most) { return most < 16 ? 1 : most < 65536 ? 3 : 5; }

void put_map_head(char *target, uint32_t most, uint32_t pairs) {
  const size_t bytes = map_head_bytes(most);
  target[0] = static_cast<char>(bytes == 1 ? 0x80 | pairs : bytes == 3 ? 0xde : 0xdf);
  put_big_endian(target + 1, pairs, bytes - 1);
}

} // namespace

bool ValueWriter::fail(const Level *level, std::string reason) {
  if (!error_)
    error_ = Error(ErrorCode::invalid_value, std::move(reason)).with("path", path(level));
  return false;
}

std::string ValueWriter::path(const Level *level) const {
  if (!level)
    return "$";
  std::string text = path(level->outer);
  if (level->key.IsEmpty())
    return text + "[" + std::to_string(level->index) + "]";
  if (!level->key->IsString())
    return text + "[…]";
  return text + step_into(to_text(isolate_, level->key.As<v8::String>()));
}

bool ValueWriter::within_limits(size_t more_bytes) {
  if (Interrupts::instance().requested())
    return false;
  if (output_.size() - begin_ + more_bytes <= limits_.max_bytes)
    return true;
  if (!error_)
    error_ =
        Error(ErrorCode::too_large, "the value is longer than a message may be (" +
                                        std::to_string(limits_.max_bytes) + " bytes): return less")
            .with("limit_bytes", static_cast<int64_t>(limits_.max_bytes));
  return false;
}

bool ValueWriter::enter(const Level &level) {
  if (level.depth > limits_.max_depth)
    return fail(level.outer, "the value is nested more than " + std::to_string(limits_.max_depth) +
                                 " levels deep");
  for (const Level *outer = level.outer; outer; outer = outer->outer)
    if (outer->object == level.object)
      return fail(level.outer, "the value contains itself");
  return true;
}

bool ValueWriter::write_value(v8::Local<v8::Value> value, const Level *outer) {
  if (value->IsString())
    return write_string(value.As<v8::String>());
  if (value->IsInt32() && !limits_.all_floats)
    packer_.pack_int32(value.As<v8::Int32>()->Value());
  else if (value->IsNumber())
    return write_number(value.As<v8::Number>()->Value());
  else if (value->IsBoolean())
    value->IsTrue() ? packer_.pack_true() : packer_.pack_false();
  else if (value->IsBigInt())
    return write_big_int(value.As<v8::BigInt>(), outer);
  else if (value->IsObject() && !value->IsFunction())
    return write_object(value.As<v8::Object>(), outer);
  else
    packer_.pack_nil();
  return true;
}

bool ValueWriter::write_number(double number) {
  const bool is_integer = !limits_.all_floats && number == std::trunc(number) &&
                          std::fabs(number) <= static_cast<double>(max_safe_integer) &&
                          !(number == 0 && std::signbit(number));
  if (is_integer) {
    packer_.pack_int64(static_cast<int64_t>(number));
  } else { // not by pack_double(), which makes an integer of -0
    char bytes[9] = {static_cast<char>(0xcb)};
    put_big_endian(bytes + 1, std::bit_cast<uint64_t>(number), 8);
    output_.write(bytes, sizeof bytes);
  }
  return true;
}

bool ValueWriter::write_big_int(v8::Local<v8::BigInt> number, const Level *outer) {
  bool is_lossless = false;
  const int64_t as_signed = number->Int64Value(&is_lossless);
  if (is_lossless) {
    packer_.pack_int64(as_signed);
    return true;
  }
  const uint64_t as_unsigned = number->Uint64Value(&is_lossless);
  if (!is_lossless)
    return fail(outer, "a BigInt of more than 64 bits cannot be sent: send it as a string");
  packer_.pack_uint64(as_unsigned);
  return true;
}

// The length in UTF-8 is known after the conversion: the head is written afterwards, in the room
// that it needs if all is ASCII.
bool ValueWriter::write_string(v8::Local<v8::String> string) {
  const auto length = static_cast<size_t>(string->Length());
  if (!within_limits(length))
    return false;
  // Three bytes for each UTF-16 unit are always enough; for a long string the exact size is better.
  const size_t most = length < 4096 ? 3 * length : v8_compat::utf8_length(isolate_, string);
  if (length >= 4096 && !within_limits(most))
    return false;
  const size_t guessed_head = string_head_bytes(length);
  char *target = output_.reserve(most + 5);
  const size_t bytes = v8_compat::write_utf8(isolate_, string, target + guessed_head, most);
  const size_t head = string_head_bytes(bytes);
  if (head != guessed_head)
    std::memmove(target + head, target + guessed_head, bytes);
  put_string_head(target, bytes);
  output_.commit(head + bytes);
  return true;
}

bool ValueWriter::write_object(v8::Local<v8::Object> object, const Level *outer) {
  if (!within_limits())
    return false;
  const bool is_plain_array = object->IsArray();
  bool handled = false; // what holds one value is no level: nor is it one where it is read
  if (!is_plain_array && !write_special(object, outer, handled))
    return false;
  if (handled)
    return true;
  Level level{outer, object, outer ? outer->depth + 1 : 1};
  if (!enter(level))
    return false;
  if (is_plain_array)
    return write_array(object, object.As<v8::Array>()->Length(), level);
  if (object->IsProxy() && is_array(object))
    return write_array_of_proxy(object, level);
  if (object->IsMap())
    return write_map(object.As<v8::Map>(), level);
  if (object->IsSet())
    return write_set(object.As<v8::Set>(), level);
  if (object->IsNativeError())
    return write_error(object, level);
  v8::Local<v8::Value> instead;
  if (!apply_to_json(object, level, instead))
    return false;
  if (instead.IsEmpty() || instead == object)
    return write_own_properties(object, level).has_value();
  is_left_out_ = outer && outer->has_properties && is_left_out(instead);
  return is_left_out_ || write_value(instead, &level);
}

// Objects that hold one value: dates, bytes, and boxes of primitives.
bool ValueWriter::write_special(v8::Local<v8::Object> object, const Level *outer, bool &handled) {
  handled = true;
  if (object->IsDate())
    return write_date(object.As<v8::Date>()->ValueOf(), outer);
  if (object->IsArrayBufferView())
    return write_view(object.As<v8::ArrayBufferView>());
  if (object->IsArrayBuffer()) {
    const auto store = object.As<v8::ArrayBuffer>()->GetBackingStore();
    return write_bytes(store->Data(), object.As<v8::ArrayBuffer>()->ByteLength());
  }
  if (object->IsSharedArrayBuffer()) {
    const auto store = object.As<v8::SharedArrayBuffer>()->GetBackingStore();
    return write_bytes(store->Data(), object.As<v8::SharedArrayBuffer>()->ByteLength());
  }
  if (object->IsNumberObject())
    return write_number(object.As<v8::NumberObject>()->ValueOf());
  if (object->IsStringObject())
    return write_string(object.As<v8::StringObject>()->ValueOf());
  if (object->IsBooleanObject())
    return write_value(v8::Boolean::New(isolate_, object.As<v8::BooleanObject>()->ValueOf()),
                       outer);
  if (object->IsBigIntObject())
    return write_big_int(object.As<v8::BigIntObject>()->ValueOf(), outer);
  handled = false;
  return true;
}

// `value` stays empty if there is no toJSON.
bool ValueWriter::apply_to_json(v8::Local<v8::Object> object, const Level &level,
                                v8::Local<v8::Value> &value) {
  v8::Local<v8::Value> to_json;
  if (!object->Get(context_, names_.toJSON.Get(isolate_)).ToLocal(&to_json))
    return false;
  if (!to_json->IsFunction())
    return true;
  v8::Local<v8::Value> key = v8::String::Empty(isolate_);
  if (const Level *outer = level.outer)
    key = outer->key.IsEmpty()
              ? v8::Integer::NewFromUnsigned(isolate_, outer->index).As<v8::Value>()
              : outer->key;
  return to_json.As<v8::Function>()->Call(context_, object, 1, &key).ToLocal(&value);
}

// Each element takes a byte at least: a length beyond the limit is refused before anything is read.
bool ValueWriter::write_array(v8::Local<v8::Object> array, uint32_t length, Level &level) {
  if (!within_limits(length))
    return false;
  packer_.pack_array(length);
  for (; level.index < length; ++level.index) {
    v8::HandleScope handles(isolate_);
    v8::Local<v8::Value> element;
    if (!within_limits() || !array->Get(context_, level.index).ToLocal(&element) ||
        !write_value(element, &level))
      return false;
  }
  return true;
}

bool ValueWriter::write_array_of_proxy(v8::Local<v8::Object> proxy, Level &level) {
  v8::Local<v8::Value> length;
  int64_t elements = 0;
  if (!proxy->Get(context_, names_.length.Get(isolate_)).ToLocal(&length) ||
      !length->IntegerValue(context_).To(&elements))
    return false;
  elements = std::clamp<int64_t>(elements, 0, UINT32_MAX);
  return write_array(proxy, static_cast<uint32_t>(elements), level);
}

bool ValueWriter::write_set(v8::Local<v8::Set> set, Level &level) {
  const auto elements = set->AsArray();
  return write_array(elements, elements->Length(), level);
}

bool ValueWriter::write_map(v8::Local<v8::Map> map, Level &level) {
  const auto entries = map->AsArray(); // key, value, key, value, …
  const uint32_t length = entries->Length();
  packer_.pack_map(length / 2);
  for (uint32_t i = 0; i < length; i += 2) {
    v8::HandleScope handles(isolate_);
    v8::Local<v8::Value> key, value;
    if (!within_limits() || !entries->Get(context_, i).ToLocal(&key) ||
        !entries->Get(context_, i + 1).ToLocal(&value))
      return false;
    level.key = key;
    if (!write_value(key, &level) || !write_value(value, &level))
      return false;
  }
  return true;
}

bool ValueWriter::write_property(v8::Local<v8::Object> object, v8::Local<v8::Value> key,
                                 Level &level) {
  v8::Local<v8::Value> value;
  if (!object->Get(context_, key).ToLocal(&value))
    return false;
  level.key = key;
  is_left_out_ = is_left_out(value);
  return is_left_out_ || (write_string(key.As<v8::String>()) && write_value(value, &level));
}

// The property as key and value, or nothing if it is left out. False: the writer can't go on.
bool ValueWriter::write_pair(v8::Local<v8::Object> object, v8::Local<v8::Value> key, Level &level,
                             Unsendable unsendable, uint32_t &pairs) {
  const size_t before = output_.size();
  if (unsendable == Unsendable::fails) {
    if (!write_property(object, key, level))
      return false;
  } else {
    const v8::TryCatch drop(isolate_);
    if (!write_property(object, key, level)) {
      if (Interrupts::instance().requested() || drop.HasTerminated())
        return false;
      error_.reset();
      is_left_out_ = true;
    }
  }
  if (std::exchange(is_left_out_, false))
    output_.truncate(before);
  else
    ++pairs;
  return true;
}

std::optional<uint32_t> ValueWriter::write_own_properties(v8::Local<v8::Object> object,
                                                          Level &level, Unsendable unsendable) {
  v8::Local<v8::Array> keys;
  if (!object
           ->GetOwnPropertyNames(context_, own_enumerable, v8::KeyConversionMode::kConvertToString)
           .ToLocal(&keys))
    return std::nullopt;
  level.has_properties = true;
  const uint32_t most = keys->Length();
  const size_t head = output_.size();
  output_.reserve(map_head_bytes(most));
  output_.commit(map_head_bytes(most));
  uint32_t pairs = 0;
  for (uint32_t i = 0; i < most; ++i) {
    v8::HandleScope handles(isolate_);
    v8::Local<v8::Value> key;
    if (!within_limits() || !keys->Get(context_, i).ToLocal(&key) ||
        !write_pair(object, key, level, unsendable, pairs))
      return std::nullopt;
  }
  put_map_head(output_.data() + head, most, pairs);
  return pairs;
}

bool ValueWriter::write_properties(v8::Local<v8::Object> object) {
  Level level{nullptr, object, 1};
  return write_own_properties(object, level, Unsendable::is_left_out).value_or(0) > 0;
}

// What every error has, and what the script has given it. A part of it that can't be sent is no
// reason to lose the rest.
bool ValueWriter::write_error(v8::Local<v8::Object> error, Level &level) {
  const v8::Local<v8::String> known[] = {names_.name.Get(isolate_), names_.message.Get(isolate_),
                                         names_.stack.Get(isolate_), names_.cause.Get(isolate_),
                                         names_.errors.Get(isolate_)};
  v8::Local<v8::Array> own;
  if (!error->GetOwnPropertyNames(context_, own_enumerable, v8::KeyConversionMode::kConvertToString)
           .ToLocal(&own))
    return false;
  level.has_properties = true;
  const auto most = static_cast<uint32_t>(std::size(known)) + own->Length();
  const size_t head = output_.size();
  output_.reserve(map_head_bytes(most));
  output_.commit(map_head_bytes(most));
  uint32_t pairs = 0;
  for (const auto key : known)
    if (!write_pair(error, key, level, Unsendable::is_left_out, pairs))
      return false;
  for (uint32_t i = 0; i < own->Length(); ++i) {
    v8::HandleScope handles(isolate_);
    v8::Local<v8::Value> key;
    if (!within_limits() || !own->Get(context_, i).ToLocal(&key))
      return false;
    if (std::ranges::none_of(known, [key](auto name) { return key->StrictEquals(name); }) &&
        !write_pair(error, key, level, Unsendable::is_left_out, pairs))
      return false;
  }
  put_map_head(output_.data() + head, most, pairs);
  return true;
}

// The shortest of the three formats that holds it.
bool ValueWriter::write_date(double milliseconds, const Level *outer) {
  if (std::isnan(milliseconds))
    return fail(outer, "an invalid Date cannot be sent");
  const auto seconds = static_cast<int64_t>(std::floor(milliseconds / 1000));
  const auto nanoseconds =
      static_cast<uint32_t>((milliseconds - static_cast<double>(seconds) * 1000) * 1e6);
  char body[12];
  uint32_t bytes = 12;
  if (seconds >= 0 && seconds >> 34 == 0) {
    const uint64_t both = uint64_t{nanoseconds} << 34 | static_cast<uint64_t>(seconds);
    bytes = both >> 32 == 0 ? 4 : 8;
    put_big_endian(body, both, bytes);
  } else {
    put_big_endian(body, nanoseconds, 4);
    put_big_endian(body + 4, static_cast<size_t>(seconds), 8);
  }
  packer_.pack_ext(bytes, timestamp_extension);
  packer_.pack_ext_body(body, bytes);
  return true;
}

bool ValueWriter::write_bytes(const void *data, size_t size) {
  if (!within_limits(size))
    return false;
  packer_.pack_bin(static_cast<uint32_t>(size));
  packer_.pack_bin_body(static_cast<const char *>(data), static_cast<uint32_t>(size));
  return true;
}

bool ValueWriter::write_view(v8::Local<v8::ArrayBufferView> view) {
  const size_t size = view->ByteLength();
  if (!within_limits(size))
    return false;
  packer_.pack_bin(static_cast<uint32_t>(size));
  view->CopyContents(output_.reserve(size), size);
  output_.commit(size);
  return true;
}

} // namespace lethe
