// SPDX-License-Identifier: Apache-2.0
// Native functions for what has to be unpredictable.
#include "daemon/engine/engine.h"
#include "daemon/natives/native_bytes.h"
#include "daemon/natives/natives.h"
#include "daemon/natives/openssl.h"
#include "daemon/natives/random_state.h"
#include "ipc/invariant.h"

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

v8::Local<v8::Private> random_state_key(v8::Isolate *isolate) {
  return v8::Private::ForApi(isolate, to_name(isolate, "lethe.random_state"));
}

// setRandomState(typed array): which bytes random_state() finds in contexts made from the snapshot
void set_random_state(const v8::FunctionCallbackInfo<v8::Value> &arguments) {
  v8::Isolate *isolate = arguments.GetIsolate();
  const auto context = isolate->GetCurrentContext();
  const bool stored = context->Global()
                          ->SetPrivate(context, random_state_key(isolate), arguments[0])
                          .FromMaybe(false);
  invariant(stored, "the prelude can store its random state");
}

constexpr NativeFunction functions[] = {{"setRandomState", set_random_state},
                                        {"randomBytes", random_bytes},
                                        {"randomUuid", random_uuid},
                                        {"equalBytes", equal_bytes}};

} // namespace

const std::span<const NativeFunction> random_natives = functions;

void *random_state(v8::Local<v8::Context> context) {
  v8::Isolate *isolate = context->GetIsolate();
  v8::Local<v8::Value> value;
  const bool found =
      context->Global()->GetPrivate(context, random_state_key(isolate)).ToLocal(&value);
  invariant(found && value->IsUint32Array(), "every context has the prelude's random state");
  const auto array = value.As<v8::Uint32Array>();
  invariant(array->ByteLength() == random_state_bytes, "a random state is as long as what fills it",
            {"bytes", array->ByteLength()});
  return static_cast<char *>(array->Buffer()->GetBackingStore()->Data()) + array->ByteOffset();
}

} // namespace lethe
