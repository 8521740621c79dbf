// SPDX-License-Identifier: Apache-2.0
// Strings to base64 and back, for the prelude's btoa and atob.
#include "daemon/engine/v8_compat.h"
#include "daemon/natives/base64.h"
#include "daemon/natives/native_arguments.h"
#include "daemon/natives/natives.h"

#include <algorithm>
#include <cstring>
#include <memory>

namespace lethe {
namespace {

using Arguments = const v8::FunctionCallbackInfo<v8::Value> &;

// A string of Latin-1 characters and room for what comes of it; without, if it has others.
class Latin1 {
public:
  Latin1(v8::Isolate *isolate, v8::Local<v8::String> string, size_t room)
      : length_(static_cast<size_t>(string->Length())) {
    // A string that V8 keeps as UTF-16 may have none but Latin-1 characters.
    if (!string->IsOneByte() && !string->ContainsOnlyOneByte())
      return;
    if (length_ + room > sizeof few_)
      many_.reset(new unsigned char[length_ + room]);
    data_ = many_ ? many_.get() : few_;
    v8_compat::write_one_byte(isolate, string, data_, 0, length_);
  }
  explicit operator bool() const { return data_ != nullptr; }
  std::span<const unsigned char> text() const { return {data_, length_}; }
  unsigned char *room() { return data_ + length_; }

private:
  unsigned char few_[4096];
  std::unique_ptr<unsigned char[]> many_;
  unsigned char *data_ = nullptr;
  size_t length_;
};

void return_latin1(Arguments arguments, std::span<const unsigned char> text) {
  v8::Isolate *isolate = arguments.GetIsolate();
  v8::Local<v8::String> string;
  if (text.size() <= static_cast<size_t>(v8::String::kMaxLength) &&
      v8::String::NewFromOneByte(isolate, text.data(), v8::NewStringType::kNormal,
                                 static_cast<int>(text.size()))
          .ToLocal(&string))
    arguments.GetReturnValue().Set(string);
  else
    isolate->ThrowException(v8::Exception::RangeError(
        v8::String::NewFromUtf8Literal(isolate, "Invalid string length")));
}

// encodeBase64(string): undefined if a character is beyond U+00FF
void encode(Arguments arguments) {
  if (!has_arguments<v8::String>(arguments))
    return;
  const auto string = arguments[0].As<v8::String>();
  const size_t bytes = base64_length(static_cast<size_t>(string->Length()));
  Latin1 latin1(arguments.GetIsolate(), string, bytes);
  if (!latin1)
    return;
  encode_base64(latin1.text(), latin1.room());
  return_latin1(arguments, {latin1.room(), bytes});
}

// decodeBase64(string): undefined if it isn't base64
void decode(Arguments arguments) {
  if (!has_arguments<v8::String>(arguments))
    return;
  const auto string = arguments[0].As<v8::String>();
  Latin1 latin1(arguments.GetIsolate(), string, static_cast<size_t>(string->Length()));
  if (!latin1)
    return;
  if (const auto bytes = decode_base64(latin1.text(), latin1.room()))
    return_latin1(arguments, {latin1.room(), *bytes});
}

constexpr NativeFunction functions[] = {{"encodeBase64", encode}, {"decodeBase64", decode}};

} // namespace

const std::span<const NativeFunction> base64_natives = functions;

} // namespace lethe
