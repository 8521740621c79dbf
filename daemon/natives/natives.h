// SPDX-License-Identifier: Apache-2.0
// The native functions that the prelude is built on, in a table for each subject. They are part of
// the startup snapshot, so lethe-snapshot and lethe-zygote must agree on them.
#pragma once

#include "daemon/engine/native_function.h"

#include <span>
#include <string>
#include <v8.h>

namespace lethe {

// In the files of these subjects.
extern const std::span<const NativeFunction> array_buffer_natives;
extern const std::span<const NativeFunction> console_natives;
extern const std::span<const NativeFunction> host_natives, performance_natives;
extern const std::span<const NativeFunction> random_natives, digest_natives, cipher_natives,
    rsa_natives, curve_natives;
extern const std::span<const NativeFunction> text_natives, base64_natives, clone_natives,
    compression_natives;
extern const std::span<const NativeFunction> task_natives, continuation_natives;

// Addresses that a snapshot refers to, in a fixed order; ends with 0.
const intptr_t *external_references();

// The names in that order: a snapshot is good only for the same ones.
std::string native_names();

// A new object with all of them. Scripts never see it.
v8::Local<v8::Object> native_functions(v8::Local<v8::Context> context);

} // namespace lethe
