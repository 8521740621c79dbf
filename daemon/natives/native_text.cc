// SPDX-License-Identifier: Apache-2.0
// Text to bytes and back, for the prelude's TextEncoder and TextDecoder.
#include "daemon/engine/v8_compat.h"
#include "daemon/natives/native_arguments.h"
#include "daemon/natives/native_bytes.h"
#include "daemon/natives/natives.h"
#include "daemon/natives/unicode.h"

#include <algorithm>
#include <cstring>
#include <memory>

namespace lethe {
namespace {

using Arguments = const v8::FunctionCallbackInfo<v8::Value> &;

// Of the decoders' second argument.
enum Flag : uint32_t { fatal = 1, ignore_byte_order_mark = 2, stream = 4 };

// What most texts fit into.
constexpr size_t scratch_units = 2048;

// Room for units on the stack, or on the heap if there are many.
class Scratch {
public:
  explicit Scratch(size_t units)
      : many_(units > scratch_units ? new uint16_t[units] : nullptr),
        data_(many_ ? many_.get() : few_) {}
  uint16_t *data() { return data_; }

private:
  uint16_t few_[scratch_units];
  std::unique_ptr<uint16_t[]> many_;
  uint16_t *data_;
};

// --- encoding ----------------------------------------------------------------------------------

void return_view(Arguments arguments, v8::Local<v8::ArrayBuffer> buffer) {
  arguments.GetReturnValue().Set(v8::Uint8Array::New(buffer, 0, buffer->ByteLength()));
}

// Calls action(units) with one piece of the string after the other, none of which ends within a
// surrogate pair, until it returns false.
template <typename Action>
void for_each_piece(v8::Isolate *isolate, v8::Local<v8::String> string, Action action) {
  uint16_t piece[scratch_units];
  const auto length = static_cast<size_t>(string->Length());
  for (size_t start = 0; start < length;) {
    size_t count = std::min(scratch_units, length - start);
    v8_compat::write_two_byte(isolate, string, piece, start, count);
    if (start + count < length && (piece[count - 1] & 0xFC00) == 0xD800)
      --count;
    if (!action(std::span<const uint16_t>(piece, count)))
      return;
    start += count;
  }
}

void encode_one_byte(Arguments arguments, v8::Local<v8::String> string) {
  v8::Isolate *isolate = arguments.GetIsolate();
  const auto length = static_cast<size_t>(string->Length());
  v8::Local<v8::ArrayBuffer> buffer, longer;
  if (!new_buffer(isolate, length).ToLocal(&buffer))
    return;
  const std::span<unsigned char> latin1 = bytes_of(buffer);
  v8_compat::write_one_byte(isolate, string, latin1.data(), 0, length);
  const size_t two_bytes = count_beyond_ascii(latin1);
  if (two_bytes == 0)
    return return_view(arguments, buffer);
  if (!new_buffer(isolate, length + two_bytes).ToLocal(&longer))
    return;
  encode_utf8(latin1, bytes_of(longer));
  return_view(arguments, longer);
}

// encodeUtf8(string): a Uint8Array
void encode(Arguments arguments) {
  if (!has_arguments<v8::String>(arguments))
    return;
  v8::Isolate *isolate = arguments.GetIsolate();
  const auto string = arguments[0].As<v8::String>();
  if (string->IsOneByte())
    return encode_one_byte(arguments, string);
  size_t bytes = 0;
  for_each_piece(isolate, string, [&](std::span<const uint16_t> units) {
    bytes += utf8_length(units);
    return true;
  });
  v8::Local<v8::ArrayBuffer> buffer;
  if (!new_buffer(isolate, bytes).ToLocal(&buffer))
    return;
  std::span<unsigned char> target = bytes_of(buffer);
  for_each_piece(isolate, string, [&](std::span<const uint16_t> units) {
    target = target.subspan(encode_utf8(units, target).written);
    return true;
  });
  return_view(arguments, buffer);
}

// encodeUtf8Into(string, Uint8Array, result): a Uint32Array gets what was read and what was written
void encode_into(Arguments arguments) {
  if (!has_arguments<v8::String>(arguments))
    return;
  v8::Isolate *isolate = arguments.GetIsolate();
  const auto string = arguments[0].As<v8::String>();
  std::span<unsigned char> target = writable_bytes(arguments[1]);
  Encoded sum{0, 0};
  const auto add = [&](const Encoded &encoded, size_t units) {
    sum.read += encoded.read;
    sum.written += encoded.written;
    target = target.subspan(encoded.written);
    return encoded.read == units;
  };
  if (string->IsOneByte()) {
    unsigned char piece[scratch_units];
    const auto length = static_cast<size_t>(string->Length());
    for (bool goes_on = true; goes_on && sum.read < length;) {
      const size_t count = std::min(scratch_units, length - sum.read);
      v8_compat::write_one_byte(isolate, string, piece, sum.read, count);
      goes_on = add(encode_utf8(std::span<const unsigned char>(piece, count), target), count);
    }
  } else {
    for_each_piece(isolate, string, [&](std::span<const uint16_t> units) {
      return add(encode_utf8(units, target), units.size());
    });
  }
  const std::span<unsigned char> result = writable_bytes(arguments[2]);
  const uint32_t counts[] = {static_cast<uint32_t>(sum.read), static_cast<uint32_t>(sum.written)};
  if (result.size() == sizeof counts)
    std::memcpy(result.data(), counts, sizeof counts);
}

// --- decoding ----------------------------------------------------------------------------------

void return_string(Arguments arguments, v8::MaybeLocal<v8::String> maybe) {
  v8::Isolate *isolate = arguments.GetIsolate();
  v8::Local<v8::String> string;
  if (maybe.ToLocal(&string))
    arguments.GetReturnValue().Set(string);
  else // as V8 says it of its own
    isolate->ThrowException(v8::Exception::RangeError(
        v8::String::NewFromUtf8Literal(isolate, "Invalid string length")));
}

bool fits_string(size_t length) { return length <= static_cast<size_t>(v8::String::kMaxLength); }

void return_latin1(Arguments arguments, std::span<const unsigned char> text) {
  return_string(arguments, fits_string(text.size())
                               ? v8::String::NewFromOneByte(arguments.GetIsolate(), text.data(),
                                                            v8::NewStringType::kNormal,
                                                            static_cast<int>(text.size()))
                               : v8::MaybeLocal<v8::String>());
}

// V8 takes half the memory, and less time later, if it knows that a text is Latin-1.
void return_units(Arguments arguments, uint16_t *units, size_t count) {
  uint16_t all = 0;
  for (size_t i = 0; i < count; ++i)
    all |= units[i];
  if (all < 0x100) {
    auto *const narrow = reinterpret_cast<unsigned char *>(units);
    for (size_t i = 0; i < count; ++i)
      narrow[i] = static_cast<unsigned char>(units[i]);
    return return_latin1(arguments, {narrow, count});
  }
  return_string(arguments, fits_string(count)
                               ? v8::String::NewFromTwoByte(arguments.GetIsolate(), units,
                                                            v8::NewStringType::kNormal,
                                                            static_cast<int>(count))
                               : v8::MaybeLocal<v8::String>());
}

// What a stream's earlier pieces have left: in a Uint8Array of the prelude's, which is none without
// a stream.
template <typename State> class KeptState {
public:
  explicit KeptState(v8::Local<v8::Value> place) : bytes_(writable_bytes(place)) {
    if (bytes_.size() == sizeof(State))
      std::memcpy(&state, bytes_.data(), sizeof(State));
  }
  ~KeptState() {
    if (bytes_.size() == sizeof(State))
      std::memcpy(bytes_.data(), &state, sizeof(State));
  }
  KeptState(const KeptState &) = delete;
  KeptState &operator=(const KeptState &) = delete;

  State state;

private:
  std::span<unsigned char> bytes_;
};

// decode*(bytes, flags, state): the text; undefined if it is malformed and `fatal`
template <typename State, typename Decode> void decode_units(Arguments arguments, Decode decode) {
  const NativeBytes bytes(arguments[0]);
  const uint32_t flags = number_argument(arguments, 1);
  KeptState<State> kept(arguments[2]);
  Scratch scratch(decoded_capacity(bytes.size()));
  const Decoded decoded =
      decode(kept.state, bytes.span(), scratch.data(),
             (flags & fatal) != 0 ? OnError::stop : OnError::replace, (flags & stream) == 0);
  if (decoded.is_malformed)
    return;
  uint16_t *units = scratch.data();
  size_t count = decoded.units;
  if (count > 0 && !kept.state.is_begun) {
    kept.state.is_begun = 1;
    if (*units == 0xFEFF && (flags & ignore_byte_order_mark) == 0) {
      ++units;
      --count;
    }
  }
  return_units(arguments, units, count);
}

// decodeUtf8(…)
void decode_utf8_text(Arguments arguments) {
  {
    const NativeBytes bytes(arguments[0]);
    if (arguments[2]->IsUndefined() && ascii_prefix(bytes.span()) == bytes.size())
      return return_latin1(arguments, bytes.span());
  }
  decode_units<Utf8State>(arguments, decode_utf8);
}

// decodeUtf16le(…), decodeUtf16be(…)
template <bool is_big_endian> void decode_utf16_text(Arguments arguments) {
  decode_units<Utf16State>(arguments, [](Utf16State &state, std::span<const unsigned char> bytes,
                                         uint16_t *target, OnError on_error, bool is_last) {
    return decode_utf16(state, bytes, is_big_endian, target, on_error, is_last);
  });
}

// decodeSingleByte(bytes, Uint16Array of the 128 units for 0x80 to 0xFF, flags): 0 is none
void decode_single_byte(Arguments arguments) {
  const NativeBytes bytes(arguments[0]);
  const NativeBytes table(arguments[1]);
  if (ascii_prefix(bytes.span()) == bytes.size() || table.size() != 256)
    return return_latin1(arguments, bytes.span());
  uint16_t units_of[256];
  for (uint16_t i = 0; i < 128; ++i)
    units_of[i] = i;
  std::memcpy(units_of + 128, table.data(), table.size());
  Scratch scratch(bytes.size());
  for (size_t i = 0; i < bytes.size(); ++i) {
    const unsigned char byte = bytes.data()[i];
    const uint16_t unit = units_of[byte];
    if (unit == 0 && byte != 0) {
      if ((number_argument(arguments, 2) & fatal) != 0)
        return;
      scratch.data()[i] = replacement_character;
    } else {
      scratch.data()[i] = unit;
    }
  }
  return_units(arguments, scratch.data(), bytes.size());
}

// bufferKind(value): 1 for an ArrayBuffer or a view on one, 2 if it is shared, else 0. In
// JavaScript that takes SharedArrayBuffer's prototype, which is not there while a snapshot is
// built.
void buffer_kind(Arguments arguments) {
  v8::Local<v8::Value> value = arguments[0];
  if (value->IsArrayBufferView()) {
    const auto view = value.As<v8::ArrayBufferView>();
    if (!view->HasBuffer()) // in V8's heap
      return arguments.GetReturnValue().Set(1);
    value = view->Buffer();
  }
  arguments.GetReturnValue().Set(value->IsArrayBuffer() ? 1 : value->IsSharedArrayBuffer() ? 2 : 0);
}

constexpr NativeFunction functions[] = {
    {"bufferKind", buffer_kind},
    {"encodeUtf8", encode},
    {"encodeUtf8Into", encode_into},
    {"decodeUtf8", decode_utf8_text},
    {"decodeUtf16le", decode_utf16_text<false>},
    {"decodeUtf16be", decode_utf16_text<true>},
    {"decodeSingleByte", decode_single_byte},
};

} // namespace

const std::span<const NativeFunction> text_natives = functions;

} // namespace lethe
