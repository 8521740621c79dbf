// SPDX-License-Identifier: Apache-2.0
// Source maps: where generated code comes from. Format: https://tc39.es/ecma426/
#pragma once

#include "daemon/engine/stacks.h"
#include "ipc/error.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <v8.h>
#include <vector>

namespace lethe {

class SourceMap {
public:
  // The text is read as JSON in `context`. ECMA-426: https://tc39.es/ecma426/
  static Result<SourceMap> parse(v8::Local<v8::Context> context, std::string_view text);

  // Of a comment at the end, "//# sourceMappingURL=data:…"; nothing if there is none that can be
  // read.
  static std::optional<SourceMap> find_inline(v8::Local<v8::Context> context,
                                              std::string_view source);

  // The original place of one in the generated script; nothing where the map knows none.
  std::optional<Place> original(const Place &generated) const;

private:
  struct Segment { // all from 0
    uint32_t line, column;
    uint32_t source, original_line, original_column;
  };
  static constexpr uint32_t no_source = UINT32_MAX;
  struct Offset { // of a section in the generated code
    uint32_t line = 0, column = 0;
  };
  bool add(v8::Local<v8::Context> context, v8::Local<v8::Object> map);
  bool add_section(v8::Local<v8::Context> context, v8::Local<v8::Object> map, const Offset &offset);
  bool decode(std::string_view mappings, int64_t first_source, const Offset &offset);

  std::vector<std::string> sources_;
  std::vector<Segment> segments_; // in the order of the generated code
};

} // namespace lethe
