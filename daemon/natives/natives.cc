// SPDX-License-Identifier: Apache-2.0
// All native functions, of every subject.
#include "daemon/natives/natives.h"
#include "daemon/engine/engine.h"
#include "daemon/engine/stacks.h"
#include "daemon/natives/prelude_groups.h"

#include <vector>

namespace lethe {
namespace {

// The order is that of the addresses in a snapshot. A function rather than a constant: the tables
// are initialized in other files.
std::vector<NativeFunction> all_natives() {
  std::vector<NativeFunction> all;
  for (const auto table : {host_natives, console_natives, random_natives, digest_natives,
                           cipher_natives, rsa_natives, curve_natives, text_natives, base64_natives,
                           clone_natives, compression_natives, performance_natives, task_natives,
                           continuation_natives, array_buffer_natives, stack_natives})
    all.insert(all.end(), table.begin(), table.end());
  return all;
}

std::vector<intptr_t> make_references() {
  std::vector<intptr_t> references(group_references().begin(), group_references().end());
  for (const NativeFunction &native : all_natives())
    references.push_back(reinterpret_cast<intptr_t>(native.callback));
  references.push_back(0);
  return references;
}

} // namespace

const intptr_t *external_references() {
  static const std::vector<intptr_t> references = make_references();
  return references.data();
}

std::string native_names() {
  std::string names;
  for (const NativeFunction &native : all_natives())
    names.append(native.name).append(" ");
  return names;
}

v8::Local<v8::Object> native_functions(v8::Local<v8::Context> context) {
  v8::Isolate *isolate = context->GetIsolate();
  const auto object = v8::Object::New(isolate);
  for (const NativeFunction &native : all_natives()) {
    const auto function =
        v8::Function::New(context, native.callback, {}, 0, v8::ConstructorBehavior::kThrow)
            .ToLocalChecked();
    object->CreateDataProperty(context, to_name(isolate, native.name), function).Check();
  }
  return object;
}

} // namespace lethe
