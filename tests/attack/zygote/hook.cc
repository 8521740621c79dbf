// SPDX-License-Identifier: Apache-2.0
// What somebody has who found a defect in V8: native code in the process that runs his script. An
// object of build/attack/bin/lethe-zygote, and of no program that is delivered.
#include "daemon/engine/globals.h"

#include <cerrno>
#include <cstring>
#include <pthread.h>
#include <string_view>
#include <unistd.h>
#include <v8.h>

namespace lethe {
namespace {

using Arguments = v8::FunctionCallbackInfo<v8::Value>;

// In memory that is rewound.
uint64_t mark = 0;

// A number is itself, memory its address.
long to_word(v8::Local<v8::Value> value, v8::Local<v8::Context> context) {
  if (value->IsBigInt())
    return static_cast<long>(value.As<v8::BigInt>()->Uint64Value());
  if (!value->IsArrayBufferView())
    return static_cast<long>(value->IntegerValue(context).FromMaybe(0));
  const auto view = value.As<v8::ArrayBufferView>();
  return reinterpret_cast<long>(view->Buffer()->GetBackingStore()->Data()) +
         static_cast<long>(view->ByteOffset());
}

// syscall(number, ...arguments): what the kernel says, an error below zero.
void make_call(const Arguments &arguments) {
  long words[7] = {};
  for (int i = 0; i < 7 && i < arguments.Length(); ++i)
    words[i] = to_word(arguments[i], arguments.GetIsolate()->GetCurrentContext());
  const long result =
      ::syscall(words[0], words[1], words[2], words[3], words[4], words[5], words[6]);
  arguments.GetReturnValue().Set(static_cast<double>(result < 0 ? -errno : result));
}

// The same number as a call of 32-bit programs.
void make_old_call(const Arguments &arguments) {
  long number = to_word(arguments[0], arguments.GetIsolate()->GetCurrentContext());
#if defined(__x86_64__)
  asm volatile("int $0x80" : "+a"(number) : "b"(0), "c"(0), "d"(0) : "memory");
#endif
  arguments.GetReturnValue().Set(static_cast<double>(number));
}

// peek(address, bytes)
void peek(const Arguments &arguments) {
  const auto context = arguments.GetIsolate()->GetCurrentContext();
  const auto bytes = static_cast<size_t>(to_word(arguments[1], context));
  const auto buffer = v8::ArrayBuffer::New(arguments.GetIsolate(), bytes);
  std::memcpy(buffer->GetBackingStore()->Data(),
              reinterpret_cast<const void *>(to_word(arguments[0], context)), bytes);
  arguments.GetReturnValue().Set(v8::Uint8Array::New(buffer, 0, bytes));
}

// poke(address, memory)
void poke(const Arguments &arguments) {
  const auto context = arguments.GetIsolate()->GetCurrentContext();
  std::memcpy(reinterpret_cast<void *>(to_word(arguments[0], context)),
              reinterpret_cast<const void *>(to_word(arguments[1], context)),
              arguments[1].As<v8::ArrayBufferView>()->ByteLength());
}

// Where things are. The process's number is asked of the C library, which knows it without a call.
void tell_facts(const Arguments &arguments) {
  v8::Isolate *isolate = arguments.GetIsolate();
  const auto context = isolate->GetCurrentContext();
  clockid_t clock = 0;
  pthread_getcpuclockid(pthread_self(), &clock);
  const auto facts = v8::Object::New(isolate);
  const auto tell = [&](const char *name, auto value) {
    facts
        ->CreateDataProperty(context, v8::String::NewFromUtf8(isolate, name).ToLocalChecked(),
                             v8::Number::New(isolate, static_cast<double>(value)))
        .Check();
  };
  tell("channel", process_globals.channel);
  tell("page", reinterpret_cast<uintptr_t>(process_globals.page));
  tell("pid", ~(clock >> 3));
  tell("mark", reinterpret_cast<uintptr_t>(&mark));
  tell("code", reinterpret_cast<uintptr_t>(&tell_facts));
  tell("stack", reinterpret_cast<uintptr_t>(__builtin_frame_address(0)));
  arguments.GetReturnValue().Set(facts);
}

// The sign by which a test tells a program that has this object from one that has not.
constexpr const char *sign = "lethe-attack-hook";
constexpr const char *script = R"(var attack = (function () {
  native function syscall();
  native function oldSyscall();
  native function peek();
  native function poke();
  native function facts();
  return { syscall, oldSyscall, peek, poke, facts };
})();)";

// Every context has it, those of a startup snapshot, too.
class Hook final : public v8::Extension {
public:
  Hook() : v8::Extension(sign, script) { set_auto_enable(true); }

  v8::Local<v8::FunctionTemplate> GetNativeFunctionTemplate(v8::Isolate *isolate,
                                                            v8::Local<v8::String> wanted) override {
    const v8::String::Utf8Value text(isolate, wanted);
    const std::string_view called(*text);
    return v8::FunctionTemplate::New(isolate, called == "syscall"      ? make_call
                                              : called == "oldSyscall" ? make_old_call
                                              : called == "peek"       ? peek
                                              : called == "poke"       ? poke
                                                                       : tell_facts);
  }
};

const bool registered = [] {
  v8::RegisterExtension(std::make_unique<Hook>());
  return true;
}();

} // namespace
} // namespace lethe
