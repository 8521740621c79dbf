// SPDX-License-Identifier: Apache-2.0
// Native functions for what has to be unpredictable.
#include "daemon/natives/native_bytes.h"
#include "daemon/natives/natives.h"
#include "daemon/natives/openssl.h"

#include <openssl/crypto.h>

namespace lethe {
namespace {

// randomBytes(view): fills it
void random_bytes(const v8::FunctionCallbackInfo<v8::Value> &arguments) {
  const std::span<unsigned char> target = writable_bytes(arguments[0]);
  fill_with_random(target.data(), target.size());
}

// randomUuid(): version 4 of RFC 9562, as text
void random_uuid(const v8::FunctionCallbackInfo<v8::Value> &arguments) {
  unsigned char bytes[16];
  fill_with_random(bytes, sizeof bytes);
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);
  char text[36];
  size_t length = 0;
  for (size_t i = 0; i < sizeof bytes; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10)
      text[length++] = '-';
    text[length++] = "0123456789abcdef"[bytes[i] >> 4];
    text[length++] = "0123456789abcdef"[bytes[i] & 15];
  }
  v8::Local<v8::String> uuid;
  if (v8::String::NewFromOneByte(arguments.GetIsolate(),
                                 reinterpret_cast<const uint8_t *>(text), // NOLINT
                                 v8::NewStringType::kNormal, sizeof text)
          .ToLocal(&uuid))
    arguments.GetReturnValue().Set(uuid);
}

// equalBytes(a, b): in a time that does not tell where they differ
void equal_bytes(const v8::FunctionCallbackInfo<v8::Value> &arguments) {
  const NativeBytes a(arguments[0]), b(arguments[1]);
  arguments.GetReturnValue().Set(a.size() == b.size() &&
                                 CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0);
}

constexpr NativeFunction functions[] = {
    {"randomBytes", random_bytes}, {"randomUuid", random_uuid}, {"equalBytes", equal_bytes}};

} // namespace

const std::span<const NativeFunction> random_natives = functions;

} // namespace lethe
