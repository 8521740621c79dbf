// SPDX-License-Identifier: Apache-2.0
// Decoding and searching source maps.
#include "daemon/worker/scripts/source_map.h"
#include "daemon/engine/engine.h"
#include "daemon/natives/base64.h"
#include "ipc/escapes.h"
#include "ipc/utf8.h"

#include <algorithm>
#include <utility>

namespace lethe {
namespace {

// One number of the mappings, in base 64 with a continuation bit and the sign last.
bool read_number(std::string_view &text, int64_t &number) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  uint64_t bits = 0;
  for (unsigned shift = 0; shift < 40 && !text.empty(); shift += 5) {
    const size_t digit = digits.find(text.front());
    if (digit == digits.npos)
      return false;
    text.remove_prefix(1);
    bits |= uint64_t{digit & 31} << shift;
    if ((digit & 32) == 0) {
      number = static_cast<int64_t>(bits >> 1) * ((bits & 1) != 0 ? -1 : 1);
      return true;
    }
  }
  return false;
}

bool is_end(std::string_view text) {
  return text.empty() || text.front() == ',' || text.front() == ';';
}

v8::Local<v8::Value> property(v8::Local<v8::Context> context, v8::Local<v8::Object> object,
                              std::string_view name) {
  v8::Local<v8::Value> value;
  if (!object->Get(context, to_name(context->GetIsolate(), name)).ToLocal(&value))
    return v8::Undefined(context->GetIsolate());
  return value;
}

} // namespace

Result<SourceMap> SourceMap::parse(v8::Local<v8::Context> context, std::string_view text) {
  const v8::TryCatch drop(context->GetIsolate());
  v8::Local<v8::Value> json;
  text = without_byte_order_mark(text);
  if (text.starts_with(")]}'")) // as servers guard JSON that a page must not load as a script
    text.remove_prefix(std::min(text.find('\n'), text.size()));
  SourceMap map;
  if (!v8::JSON::Parse(context, to_string(context->GetIsolate(), text)).ToLocal(&json) ||
      !json->IsObject() || !map.add(context, json.As<v8::Object>()))
    return Error(ErrorCode::invalid_request,
                 "the option source_map is not the text of a source map of version 3");
  std::ranges::stable_sort(map.segments_, {}, [](const Segment &segment) {
    return std::pair(segment.line, segment.column);
  });
  return map;
}

// A map, or one of sections, each with the place where it begins.
bool SourceMap::add(v8::Local<v8::Context> context, v8::Local<v8::Object> map) {
  const auto sections = property(context, map, "sections");
  if (!sections->IsArray())
    return add_section(context, map, {});
  for (uint32_t i = 0; i < sections.As<v8::Array>()->Length(); ++i) {
    v8::Local<v8::Value> section;
    if (!sections.As<v8::Array>()->Get(context, i).ToLocal(&section) || !section->IsObject())
      return false;
    const auto offset = property(context, section.As<v8::Object>(), "offset");
    const auto part = property(context, section.As<v8::Object>(), "map");
    if (!offset->IsObject() || !part->IsObject())
      return false;
    const auto line = property(context, offset.As<v8::Object>(), "line"),
               column = property(context, offset.As<v8::Object>(), "column");
    if (!line->IsUint32() || !column->IsUint32() ||
        !add_section(context, part.As<v8::Object>(),
                     {line.As<v8::Uint32>()->Value(), column.As<v8::Uint32>()->Value()}))
      return false;
  }
  return true;
}

bool SourceMap::add_section(v8::Local<v8::Context> context, v8::Local<v8::Object> map,
                            const Offset &offset) {
  v8::Isolate *isolate = context->GetIsolate();
  const auto sources = property(context, map, "sources");
  const auto mappings = property(context, map, "mappings");
  const auto root = property(context, map, "sourceRoot");
  if (!sources->IsArray() || !mappings->IsString())
    return false;
  std::string folder = root->IsString() ? to_text(isolate, root.As<v8::String>()) : std::string();
  if (!folder.empty() && !folder.ends_with('/'))
    folder += '/';
  const auto first_source = static_cast<int64_t>(sources_.size());
  for (uint32_t i = 0; i < sources.As<v8::Array>()->Length(); ++i) {
    v8::Local<v8::Value> name;
    const bool is_named =
        sources.As<v8::Array>()->Get(context, i).ToLocal(&name) && name->IsString();
    sources_.push_back(is_named ? folder + to_text(isolate, name.As<v8::String>()) : "unnamed");
  }
  return decode(to_text(isolate, mappings.As<v8::String>()), first_source, offset);
}

std::optional<SourceMap> SourceMap::find_inline(v8::Local<v8::Context> context,
                                                std::string_view source) {
  constexpr std::string_view mark = "//# sourceMappingURL=data:", base64 = ";base64";
  const size_t at = source.rfind(mark);
  if (at == source.npos)
    return std::nullopt;
  std::string_view url = source.substr(at + mark.size());
  url = url.substr(0, url.find_first_of(" \t\r\n"));
  const size_t comma = url.find(',');
  if (comma == url.npos)
    return std::nullopt;
  std::string data = unescaped(url.substr(comma + 1), percent_escape);
  if (url.substr(0, comma).ends_with(base64)) {
    std::vector<unsigned char> bytes(data.size());
    const auto count = decode_base64(
        {reinterpret_cast<const unsigned char *>(data.data()), data.size()}, bytes.data());
    if (!count)
      return std::nullopt;
    data.assign(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(*count));
  }
  auto map = parse(context, data);
  return map ? std::optional(std::move(*map)) : std::nullopt;
}

bool SourceMap::decode(std::string_view text, int64_t first_source, const Offset &offset) {
  int64_t line = offset.line, column = offset.column;
  int64_t source = first_source, original_line = 0, original_column = 0, name = 0;
  const auto add = [&text](int64_t &sum, int64_t least = 0) {
    int64_t difference = 0;
    if (!read_number(text, difference))
      return false;
    sum += difference;
    return sum >= least && sum <= UINT32_MAX;
  };
  while (!text.empty()) {
    if (text.front() == ';' || text.front() == ',') {
      if (text.front() == ';') {
        ++line;
        column = 0;
      }
      text.remove_prefix(1);
      continue;
    }
    if (!add(column))
      return false;
    const auto generated_line = static_cast<uint32_t>(line),
               generated_column = static_cast<uint32_t>(column);
    if (is_end(text)) { // generated code that comes from nowhere
      segments_.push_back({generated_line, generated_column, no_source, 0, 0});
      continue;
    }
    if (!add(source, first_source) || !add(original_line) || !add(original_column) ||
        (!is_end(text) && !add(name)) || source >= static_cast<int64_t>(sources_.size()))
      return false;
    segments_.push_back({generated_line, generated_column, static_cast<uint32_t>(source),
                         static_cast<uint32_t>(original_line),
                         static_cast<uint32_t>(original_column)});
  }
  return true;
}

std::optional<Place> SourceMap::original(const Place &generated) const {
  const auto after = std::upper_bound(segments_.begin(), segments_.end(), generated,
                                      [](const Place &place, const Segment &segment) {
                                        return place.line - 1 != segment.line
                                                   ? place.line - 1 < segment.line
                                                   : place.column - 1 < segment.column;
                                      });
  if (after == segments_.begin() || std::prev(after)->line != generated.line - 1)
    return std::nullopt;
  const Segment &found = *std::prev(after);
  if (found.source == no_source)
    return std::nullopt;
  return Place{sources_[found.source], int64_t{found.original_line} + 1,
               int64_t{found.original_column} + 1};
}

} // namespace lethe
