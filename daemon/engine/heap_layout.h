// SPDX-License-Identifier: Apache-2.0
// The few things of V8's objects that its interface does not show: what a function has closed over,
// and the words of an object between its header and its properties (a bound function's arguments).
//
// Where they lie differs between V8's versions. So they are looked for in objects that were made to
// be found: a layout that is not understood is none, never a wrong one.
#pragma once

#include "daemon/engine/v8_compat.h"

#include <cstdint>
#include <optional>
#include <span>
#include <v8.h>
#include <vector>

namespace lethe {

// All words are only good until V8 allocates: then objects may move. A handle stays.
using HeapWord = v8::internal::Address;

class HeapLayout {
public:
  // Nothing: this V8's objects are laid out in another way. Makes objects in `context`, which is
  // to be a fresh one.
  static std::optional<HeapLayout> find(v8::Local<v8::Context> context);

  enum class Kind : uint8_t {
    value,     // JavaScript's; a small integer, too
    symbol,    // also the name of a #private field, of which V8's interface says that it is none
    context,   // variables that functions have closed over, see variables()
    list,      // of values: list()
    pair,      // getter and setter of a private accessor: internal_words()
    hole,      // in the place of a value that is not there yet
    something, // of V8's
  };
  Kind kind(v8::Local<v8::Data> thing) const;
  // V8's number of the kind of object.
  static int type(v8::Local<v8::Data> object);
  // Nor are those of the language itself anybody's variables.
  bool is_native_context(v8::Local<v8::Data> context) const;
  // A module's own variables: its exports are in its namespace.
  bool is_module_context(v8::Local<v8::Data> context) const;
  // A script's or module's own: no function's.
  bool is_top_level(v8::Local<v8::Data> context) const;

  static v8::Local<v8::Value> handle(v8::Isolate *isolate, HeapWord word);
  static HeapWord word(v8::Local<v8::Data> thing) { return v8_compat::tagged_word(thing); }
  static bool is_small_integer(HeapWord word) { return (word & 1) == 0; }

  // Of the #private fields of an object: symbols, each a v8::Private.
  v8::MaybeLocal<v8::Array> private_names(v8::Local<v8::Context> context,
                                          v8::Local<v8::Object> object) const;

  HeapWord context_of(v8::Local<v8::Function> function) const;
  // What all closures of one function's source share.
  HeapWord code_of(v8::Local<v8::Function> function) const;
  // Of a function that is of no script: the number of the built-in one, or 0 for one of ours. Nothing:
  // it is another, of which nobody knows what it works on.
  std::optional<HeapWord> built_in(v8::Local<v8::Function> function) const;
  HeapWord outer(v8::Local<v8::Data> context) const;
  // What describes the variables. For people: the names that it has for them may be wrong or empty.
  static std::vector<v8::Local<v8::String>> names(v8::Isolate *isolate, HeapWord description,
                                                  size_t variables);
  HeapWord description(v8::Local<v8::Data> context) const;
  // The first may be of V8's.
  std::span<const HeapWord> variables(v8::Local<v8::Data> context) const;
  std::span<const HeapWord> list(v8::Local<v8::Data> list) const;
  // All of an object that is neither header nor property; empty for ordinary objects.
  std::span<const HeapWord> internal_words(v8::Local<v8::Data> object) const;

private:
  bool find_functions(v8::Local<v8::Context> context);
  bool find_others(v8::Local<v8::Context> context);
  bool find_private_names(v8::Local<v8::Context> context);

  size_t context_index_ = 0; // in a function
  int function_context_type_ = 0, native_context_type_ = 0, pair_type_ = 0, symbol_type_ = 0,
      template_type_ = 0;
  HeapWord list_map_ = 0, hole_ = 0;
  unsigned private_filter_ = 0; // V8's own, for its debugger: for nothing but such names
};

} // namespace lethe
