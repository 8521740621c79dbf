// SPDX-License-Identifier: Apache-2.0
// Decoding and searching source maps.
#include "daemon/worker/scripts/source_map.h"
#include "daemon/engine/engine.h"
#include "daemon/natives/base64.h"
#include "daemon/worker/scripts/percent.h"

#include <algorithm>

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
  v8::Isolate *isolate = context->GetIsolate();
  const v8::TryCatch drop(isolate);
  const Error wrong(ErrorCode::invalid_request,
                    "the option source_map is not the text of a source map of version 3");
  v8::Local<v8::Value> json;
  if (!v8::JSON::Parse(context, to_string(isolate, text)).ToLocal(&json) || !json->IsObject())
    return wrong;
  const auto object = json.As<v8::Object>();
  const auto sources = property(context, object, "sources");
  const auto mappings = property(context, object, "mappings");
  if (!sources->IsArray() || !mappings->IsString())
    return wrong;
  SourceMap map;
  for (uint32_t i = 0; i < sources.As<v8::Array>()->Length(); ++i) {
    v8::Local<v8::Value> name;
    const bool is_named =
        sources.As<v8::Array>()->Get(context, i).ToLocal(&name) && name->IsString();
    map.sources_.push_back(is_named ? to_text(isolate, name.As<v8::String>()) : "unnamed");
  }
  if (!map.decode(to_text(isolate, mappings.As<v8::String>())))
    return wrong;
  return map;
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
  std::string data = percent_decoded(url.substr(comma + 1));
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

bool SourceMap::decode(std::string_view text) {
  int64_t line = 0, column = 0, source = 0, original_line = 0, original_column = 0, name = 0;
  const auto add = [&text](int64_t &sum) {
    int64_t difference = 0;
    if (!read_number(text, difference))
      return false;
    sum += difference;
    return sum >= 0 && sum <= UINT32_MAX;
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
    if (is_end(text))
      continue; // generated code that comes from nowhere
    if (!add(source) || !add(original_line) || !add(original_column) ||
        (!is_end(text) && !add(name)) || source >= static_cast<int64_t>(sources_.size()))
      return false;
    segments_.push_back({static_cast<uint32_t>(line), static_cast<uint32_t>(column),
                         static_cast<uint32_t>(source), static_cast<uint32_t>(original_line),
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
  return Place{sources_[found.source], int64_t{found.original_line} + 1,
               int64_t{found.original_column} + 1};
}

} // namespace lethe
