// SPDX-License-Identifier: Apache-2.0
// Structured cloning within one context:
// https://html.spec.whatwg.org/multipage/structured-data.html#safe-passing-of-structured-data
// Serialization and deserialization in one pass without bytes in between. The specification can't
// tell the difference, as nothing that a script can see happens in the second half. V8's
// ValueSerializer does not do: it asks no one about objects that JavaScript classes made, such as
// Blob, and so would make empty objects of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <v8.h>
#include <vector>

namespace lethe {

// Which objects have been met, and what has become of them.
class CloneMemory {
public:
  // Empty if it is new.
  v8::Local<v8::Object> find(v8::Local<v8::Object> source) const;
  void add(v8::Local<v8::Object> source, v8::Local<v8::Object> target);

private:
  struct Pair {
    int hash;
    v8::Local<v8::Object> source, target;
  };
  void place(uint32_t number);

  std::vector<Pair> pairs_;
  std::vector<uint32_t> table_; // number of the pair plus 1, by hash; a power of two
};

// For one call. The handle scope around it must live as long as it.
class Cloner {
public:
  // `refuse` is called with a message and throws. `keys` is Object.keys, which is much faster than
  // what V8 has for embedders. `error_prototypes`: of EvalError and URIError.
  Cloner(v8::Local<v8::Context> context, v8::Local<v8::Function> refuse,
         v8::Local<v8::Function> keys, v8::Local<v8::Array> error_prototypes);

  // Each: empty or false with a pending exception.
  bool transfer(v8::Local<v8::Array> list);
  v8::MaybeLocal<v8::Value> clone(v8::Local<v8::Value> value);
  // After clone(): takes what was transferred away from where it was.
  bool detach_transferred();

  // Objects with this prototype, directly or not, are the platform's: `how` is a function that
  // makes a copy of one, or undefined if it is none; or null if they can't be cloned.
  static bool set_platform(v8::Local<v8::Context> context, v8::Local<v8::Object> prototype,
                           v8::Local<v8::Value> how);

private:
  enum class Kind : uint8_t { properties, elements, map, set, cause };
  // An object whose contents are still to be cloned.
  struct Frame {
    Kind kind;
    v8::Local<v8::Object> source, target;
    v8::Local<v8::Array> list; // names of properties, or entries
    uint32_t next, count;
    v8::Local<v8::Value> key; // a map's, cloned before its value
    bool is_read = false;     // the next element's value waits in its place in the target
  };

  bool clone_value(v8::Local<v8::Value> value, v8::Local<v8::Value> &result);
  v8::MaybeLocal<v8::Object> begin(v8::Local<v8::Object> source);
  v8::MaybeLocal<v8::Object> begin_platform(v8::Local<v8::Object> source, bool &is_platform);
  v8::MaybeLocal<v8::Object> begin_error(v8::Local<v8::Object> source);
  v8::MaybeLocal<v8::Object> begin_array(v8::Local<v8::Array> source);
  v8::MaybeLocal<v8::Object> begin_long_array(v8::Local<v8::Array> source);
  v8::MaybeLocal<v8::Object> begin_other(v8::Local<v8::Object> source);
  v8::MaybeLocal<v8::Object> copy_buffer(v8::Local<v8::ArrayBuffer> source);
  v8::MaybeLocal<v8::Object> copy_view(v8::Local<v8::ArrayBufferView> source);
  v8::MaybeLocal<v8::Object> refuse_object(v8::Local<v8::Object> source);
  bool push_properties(v8::Local<v8::Object> source, v8::Local<v8::Object> target);
  bool advance();
  bool advance_property(Frame &frame);
  bool advance_element(Frame &frame);
  bool advance_entry(Frame &frame);
  bool own_data(v8::Local<v8::Object> source, const char *name, v8::Local<v8::Value> &value);
  bool refuse(const std::string &message);
  v8::Local<v8::String> name(const char *text) const;

  v8::Isolate *isolate_;
  v8::Local<v8::Context> context_;
  v8::Local<v8::Function> refuse_, keys_;
  v8::Local<v8::Array> error_prototypes_;
  v8::Local<v8::Value> object_prototype_;
  v8::Local<v8::Private> platform_key_;
  v8::Local<v8::Value> asked_prototype_, asked_platform_; // the last answer
  CloneMemory memory_;
  std::vector<Frame> frames_;
  std::vector<v8::Local<v8::ArrayBuffer>> transferred_;
};

} // namespace lethe
