// SPDX-License-Identifier: Apache-2.0
// Whether a native function got what it casts its arguments to. The prelude passes that, but where
// a script has changed what the prelude itself uses: the script then gets an error, and never a
// type's memory taken for that of another.
#pragma once

#include <type_traits>
#include <v8.h>

namespace lethe {

template <typename Type> bool is_of(v8::Local<v8::Value> value) {
  if constexpr (std::is_same_v<Type, v8::String>)
    return value->IsString();
  else if constexpr (std::is_same_v<Type, v8::Function>)
    return value->IsFunction();
  else if constexpr (std::is_same_v<Type, v8::Array>)
    return value->IsArray();
  else if constexpr (std::is_same_v<Type, v8::Object>)
    return value->IsObject();
  else if constexpr (std::is_same_v<Type, v8::Int32>)
    return value->IsInt32();
  else if constexpr (std::is_same_v<Type, v8::Uint32Array>)
    return value->IsUint32Array();
  else {
    static_assert(std::is_same_v<Type, v8::Value>);
    return true;
  }
}

// False, with a pending TypeError, unless the first arguments are of these types.
template <typename... Types>
bool has_arguments(const v8::FunctionCallbackInfo<v8::Value> &arguments) {
  int index = 0;
  if ((is_of<Types>(arguments[index++]) && ...))
    return true;
  arguments.GetIsolate()->ThrowException(v8::Exception::TypeError(v8::String::NewFromUtf8Literal(
      arguments.GetIsolate(), "a built-in function got an argument of a wrong type: what it uses "
                              "was changed by the script")));
  return false;
}

} // namespace lethe
