// SPDX-License-Identifier: Apache-2.0
// Paths, URLs of scripts, and the rules of import maps.
#include "daemon/worker/scripts/import_map.h"
#include "daemon/engine/engine.h"
#include "ipc/escapes.h"

#include <algorithm>

namespace lethe {
namespace {

constexpr std::string_view url_prefix = "lethe:/";

// `path` after the folder of `base`, without "." and "..", which stops at the top.
std::string join_path(std::string_view base, std::string_view path) {
  std::vector<std::string_view> parts;
  const auto add = [&parts](std::string_view text) {
    for (bool more = true; more;) {
      const size_t slash = text.find('/');
      more = slash != text.npos;
      const std::string_view part = text.substr(0, slash);
      text.remove_prefix(more ? slash + 1 : text.size());
      const bool is_up = part == "..";
      if (is_up && !parts.empty())
        parts.pop_back();
      if (!is_up && part != ".")
        parts.push_back(part);
      else if (!more)
        parts.emplace_back(); // "a/." is the folder "a/"
    }
  };
  if (path.starts_with('/'))
    path.remove_prefix(1);
  else if (const size_t slash = base.rfind('/'); slash != base.npos)
    add(base.substr(0, slash));
  add(path);
  std::string joined;
  for (size_t i = 0; i < parts.size(); ++i)
    joined.append(i > 0 ? "/" : "").append(parts[i]);
  return joined;
}

// Paths and URLs become "lethe:/NAME", with the name as it is; a bare specifier stays.
std::string normalized(std::string_view specifier, std::string_view base) {
  if (specifier.starts_with(url_prefix))
    return std::string(url_prefix) + unescaped(specifier.substr(url_prefix.size()), percent_escape);
  if (specifier.starts_with('/') || specifier.starts_with("./") || specifier.starts_with("../"))
    return std::string(url_prefix) + join_path(base, specifier);
  return std::string(specifier);
}

std::string without_prefix(std::string text) {
  return text.starts_with(url_prefix) ? text.substr(url_prefix.size()) : text;
}

} // namespace

std::string script_url(std::string_view name) {
  constexpr std::string_view plain = "-._~!$&'()*+,;=:@/";
  constexpr char digits[] = "0123456789ABCDEF";
  std::string url(url_prefix);
  for (const char c : name) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || plain.find(c) != plain.npos;
    const auto byte = static_cast<unsigned char>(c);
    if (is_plain && !(c == '/' && url.size() == url_prefix.size())) // "lethe://" has a host
      url += c;
    else
      url.append({'%', digits[byte >> 4], digits[byte & 15]});
  }
  return url;
}

// --- reading -----------------------------------------------------------------------------------

class ImportMap::Parser {
public:
  explicit Parser(v8::Local<v8::Context> context)
      : context_(context), isolate_(context->GetIsolate()) {}

  Result<ImportMap> parse(std::string_view text) {
    v8::Local<v8::Value> json;
    const v8::TryCatch caught(isolate_);
    if (!v8::JSON::Parse(context_, to_string(isolate_, text)).ToLocal(&json)) {
      v8::Local<v8::String> reason;
      return wrong(caught.HasCaught() && caught.Exception()->ToString(context_).ToLocal(&reason)
                       ? "it is not JSON: " + to_text(isolate_, reason)
                       : "it is not JSON");
    }
    ImportMap map;
    const auto read =
        each(json, "the map", [&](const std::string &key, v8::Local<v8::Value> value) {
          if (key == "imports")
            return read_rows(value, key, map.imports_);
          if (key != "scopes")
            return Result<Nothing>(
                wrong("its keys are \"imports\" and \"scopes\", not \"" + key + "\""));
          return each(value, key, [&](const std::string &prefix, v8::Local<v8::Value> rows) {
            map.scopes_.push_back({without_prefix(normalized(prefix, "")), {}});
            return read_rows(rows, "the scope \"" + prefix + "\"", map.scopes_.back().rows);
          });
        });
    if (!read)
      return read.error();
    std::sort(map.scopes_.begin(), map.scopes_.end(),
              [](const Scope &left, const Scope &right) { return left.prefix > right.prefix; });
    return map;
  }

private:
  static Error wrong(const std::string &reason) {
    return Error(ErrorCode::invalid_request, reason);
  }

  template <typename Visit>
  Result<Nothing> each(v8::Local<v8::Value> value, const std::string &what, Visit visit) {
    v8::Local<v8::Array> keys;
    if (!value->IsObject() || value->IsArray() ||
        !value.As<v8::Object>()->GetOwnPropertyNames(context_).ToLocal(&keys))
      return wrong(what + " must be an object");
    for (uint32_t i = 0; i < keys->Length(); ++i) {
      v8::Local<v8::Value> key, item;
      v8::Local<v8::String> text;
      if (!keys->Get(context_, i).ToLocal(&key) || !key->ToString(context_).ToLocal(&text) ||
          !value.As<v8::Object>()->Get(context_, key).ToLocal(&item))
        return wrong(what + " cannot be read");
      if (auto visited = visit(to_text(isolate_, text), item); !visited)
        return visited;
    }
    return Nothing{};
  }

  Result<Nothing> read_rows(v8::Local<v8::Value> value, const std::string &what, Rows &rows) {
    auto read = each(value, what, [&](const std::string &key, v8::Local<v8::Value> target) {
      if (key.empty())
        return Result<Nothing>(wrong(what + " has an empty key"));
      Row row{normalized(key, ""), std::nullopt};
      if (target->IsString())
        row.target = without_prefix(normalized(to_text(isolate_, target.As<v8::String>()), ""));
      else if (!target->IsNull())
        return Result<Nothing>(wrong("\"" + key + "\" must be a string or null"));
      if (row.target && key.ends_with('/') && !row.target->ends_with('/'))
        return Result<Nothing>(wrong("\"" + key + "\" ends with /, so its value must, too"));
      rows.push_back(std::move(row));
      return Result<Nothing>(Nothing{});
    });
    std::sort(rows.begin(), rows.end(),
              [](const Row &left, const Row &right) { return left.key > right.key; });
    return read;
  }

  v8::Local<v8::Context> context_;
  v8::Isolate *isolate_;
};

Result<ImportMap> ImportMap::parse(v8::Local<v8::Context> context, std::string_view text) {
  return Parser(context).parse(text);
}

// --- resolving ---------------------------------------------------------------------------------

Result<std::string> ImportMap::resolve(std::string_view specifier,
                                       std::string_view importer) const {
  const std::string wanted = normalized(specifier, importer);
  const auto forbidden = [&] {
    return Error(ErrorCode::compile_error,
                 "the import map forbids '" + std::string(specifier) + "'");
  };
  const auto in_rows = [&](const Rows &rows) -> std::optional<Result<std::string>> {
    for (const Row &row : rows) {
      if (row.key == wanted)
        return row.target ? Result<std::string>(*row.target) : forbidden();
      if (!row.key.ends_with('/') || !wanted.starts_with(row.key))
        continue;
      if (!row.target)
        return Result<std::string>(forbidden());
      std::string name = join_path("", "/" + *row.target + wanted.substr(row.key.size()));
      if (!name.starts_with(*row.target)) // by way of ".."
        return Result<std::string>(forbidden());
      return Result<std::string>(std::move(name));
    }
    return std::nullopt;
  };
  for (const Scope &scope : scopes_)
    if (scope.prefix == importer ||
        (scope.prefix.ends_with('/') && importer.starts_with(scope.prefix)))
      if (auto found = in_rows(scope.rows))
        return *found;
  if (auto found = in_rows(imports_))
    return *found;
  return without_prefix(wanted);
}

} // namespace lethe
