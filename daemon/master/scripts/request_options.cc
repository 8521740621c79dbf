// SPDX-License-Identifier: Apache-2.0
// The table of options: one row for each key, as in client/PROTOCOL.md. Those of scripts that a
// zygote needs have theirs in ipc/messages.def.
#include "daemon/master/scripts/request_options.h"
#include "daemon/master/operation/flaw.h"
#include "ipc/message_pack.h"
#include "ipc/value_path.h"

#include <cmath>
#include <fmt/format.h>
#include <vector>

namespace lethe {
namespace {

constexpr int64_t longest_ms = 1000LL * 60 * 60 * 24 * 366, longest_profile_ms = 600'000;
constexpr size_t longest_trace = 256; // in the request, and in lines of the log
constexpr size_t longest_client_name = 100;

constexpr uint8_t bit_of(RunKind kind) {
  return static_cast<uint8_t>(1u << static_cast<unsigned>(kind));
}

enum Where : uint8_t {
  in_call = bit_of(RunKind::call),
  in_eval = bit_of(RunKind::eval),
  in_inspect = bit_of(RunKind::inspect),
  in_profile = bit_of(RunKind::profile),
  in_heap = bit_of(RunKind::heap),
  in_script = 2 * in_heap,
  in_list = 4 * in_heap,
  in_hello = 8 * in_heap,
  to_debug = in_inspect | in_profile | in_heap,
  with_limits = in_call | in_eval | in_script,
  where_memory_counts = with_limits | to_debug,
  everywhere = where_memory_counts | in_list
};

struct AllOptions {
  CallOptions call;
  std::optional<std::string_view> pool;
  message::LoadOptions load;
  ListOptions list;
  Hello hello;
};

// What languages have that lack a type is taken for it: 0 and 1 for booleans, bytes for texts, an empty
// array for an empty map.
bool read_boolean(std::string_view raw, bool &out) {
  Item item;
  if (!Reader(raw).next(item))
    return false;
  if (item.kind == Kind::integer && (item.integer == 0 || item.integer == 1))
    out = item.integer == 1;
  else if (item.kind == Kind::boolean)
    out = item.boolean;
  else
    return false;
  return true;
}

bool read_string(std::string_view raw, std::string_view &out) {
  const auto text = Reader(raw).text();
  out = text.value_or(out);
  return text.has_value();
}

template <Named Enumeration> bool read_name(std::string_view raw, Enumeration &out) {
  std::string_view name;
  const auto value = read_string(raw, name) ? named<Enumeration>(name) : std::nullopt;
  out = value.value_or(out);
  return value.has_value();
}

constexpr std::string_view empty_array = "\x90";

// Some clients have only floating point numbers; a whole one is as good.
bool read_number(std::string_view raw, std::optional<int64_t> &out, int64_t most) {
  Item item;
  if (!Reader(raw).next(item))
    return false;
  const auto most_exact = static_cast<double>(most);
  if (item.kind == Kind::floating && item.floating >= 1 && item.floating <= most_exact &&
      std::trunc(item.floating) == item.floating)
    out = static_cast<int64_t>(item.floating);
  else if (item.kind == Kind::integer && item.integer >= 1 && item.integer <= most)
    out = item.integer;
  return out.has_value();
}

struct Row {
  std::string_view key;
  uint8_t where;
  bool (*read)(std::string_view raw, AllOptions &options);
  std::string expected;
};

const Row masters_rows[] = {
    {"pool", everywhere,
     [](auto raw, auto &o) {
       o.pool.emplace();
       return read_string(raw, *o.pool);
     },
     "a string"},
    {"deadline_ms", with_limits,
     [](auto raw, auto &o) { return read_number(raw, o.call.limits.deadline_ms, longest_ms); },
     "a whole number from 1 on"},
    {"cpu_ms", with_limits,
     [](auto raw, auto &o) { return read_number(raw, o.call.limits.cpu_ms, longest_ms); },
     "a whole number from 1 on"},
    {"memory_mb", where_memory_counts,
     [](auto raw, auto &o) { return read_number(raw, o.call.limits.memory_mb, 1 << 20); },
     "a whole number from 1 on"},
    {"isolation", with_limits,
     [](auto raw, auto &o) { return read_name(raw, o.call.limits.isolation.emplace()); },
     "one of " + all_names<Isolation>()},
    {"globals", in_eval,
     [](auto raw, auto &o) {
       if (raw == empty_array)
         return true;
       o.call.globals = raw;
       return Reader(raw).map().has_value();
     },
     "a map"},
    {"console", in_call | in_eval | to_debug,
     [](auto raw, auto &o) { return read_boolean(raw, o.call.console); }, "true or false"},
    {"stats", in_call | in_eval, [](auto raw, auto &o) { return read_boolean(raw, o.call.stats); },
     "true or false"},
    {"trace", in_call | in_eval | to_debug,
     [](auto raw, auto &o) {
       return read_string(raw, o.call.trace) && o.call.trace.size() <= longest_trace;
     },
     fmt::format("a string of at most {} bytes", longest_trace)},
    {"idempotent", in_call | in_eval,
     [](auto raw, auto &o) { return read_boolean(raw, o.call.idempotent); }, "true or false"},
    {"fetch", in_call | to_debug, [](auto raw, auto &o) { return read_boolean(raw, o.call.fetch); },
     "true or false"},
    {"pause", in_inspect, [](auto raw, auto &o) { return read_boolean(raw, o.call.pause); },
     "true or false"},
    {"for_ms", in_profile,
     [](auto raw, auto &o) {
       std::optional<int64_t> ms;
       const bool good = read_number(raw, ms, longest_profile_ms);
       o.call.for_ms = ms.value_or(o.call.for_ms);
       return good;
     },
     "a whole number from 1 to 600000"},
    {"prefix", in_list, [](auto raw, auto &o) { return read_string(raw, o.list.prefix); },
     "a string"},
    {"after", in_list, [](auto raw, auto &o) { return read_string(raw, o.list.after); },
     "a string"},
    {"limit", in_list, [](auto raw, auto &o) { return read_number(raw, o.list.limit, 1 << 30); },
     "a whole number from 1 on"},
    {"failing", in_list,
     [](auto raw, auto &o) { return read_boolean(raw, o.list.failing.emplace()); },
     "true or false"},
    {"quarantined", in_list,
     [](auto raw, auto &o) { return read_boolean(raw, o.list.quarantined.emplace()); },
     "true or false"},
    {"client", in_hello,
     [](auto raw, auto &o) {
       std::string_view name;
       const bool is_text = read_string(raw, name) && name.size() <= longest_client_name;
       o.hello.client = name;
       return is_text;
     },
     fmt::format("a string of at most {} bytes", longest_client_name)},
    {"errors", in_hello, [](auto raw, auto &o) { return read_name(raw, o.hello.errors); },
     "one of " + all_names<ErrorShape>()},
    {"numbers", in_hello, [](auto raw, auto &o) { return read_name(raw, o.hello.numbers); },
     "one of " + all_names<NumberShape>()},
    {"host_calls", in_hello,
     [](auto raw, auto &o) { return read_boolean(raw, o.hello.host_calls); }, "true or false"},
};

// A field of LoadOptions.
template <typename Field> Row row_of(const Field &field) {
  return {field.name, in_script,
          [](std::string_view raw, AllOptions &options) {
            auto &value = options.load.*Field::member;
            message::Source from{Reader(raw), nullptr};
            if constexpr (std::is_same_v<decltype(value), bool &>)
              return read_boolean(raw, value);
            else
              return Field::Kind::read(from, value);
          },
          Field::Kind::shape()};
}

const std::vector<Row> &all_rows() {
  static const std::vector<Row> rows = [] {
    std::vector<Row> all(std::begin(masters_rows), std::end(masters_rows));
    message::all_fields<message::LoadOptions>([&all](const auto &field) {
      all.push_back(row_of(field));
      return true;
    });
    return all;
  }();
  return rows;
}

Result<AllOptions> read_options(std::string_view raw, Where where) {
  AllOptions options;
  Item head;
  Reader reader(raw);
  if (raw.empty() || raw == empty_array)
    return options;
  if (!reader.next(head) || (head.kind != Kind::map && head.kind != Kind::nil)) {
    const std::string_view advice = advice_on_records(raw);
    return Error(ErrorCode::invalid_request, fmt::format("options must be a map or nil{}{}",
                                                         advice.empty() ? "" : ": ", advice));
  }
  for (uint32_t i = 0; head.kind == Kind::map && i < head.count; ++i) {
    const auto key = reader.string();
    const auto value = reader.take_raw();
    if (!key || !value)
      return Error(ErrorCode::invalid_request, "the keys of options must be strings");
    const Row *row = nullptr;
    for (const Row &candidate : all_rows())
      // The same key may have a row for other methods.
      if (candidate.key == *key && (candidate.where & where) != 0)
        row = &candidate;
    if (!row && where == in_hello)
      continue;
    if (!row) {
      std::string known;
      for (const Row &candidate : all_rows())
        if (candidate.where & where)
          known += fmt::format("{}{}", known.empty() ? "" : ", ", candidate.key);
      return Error(ErrorCode::invalid_request,
                   fmt::format("unknown option {}; there are: {}", *key, known));
    }
    // nil stands for the default, as it does for all of the options.
    if (*value == packed_nil || row->read(*value, options))
      continue;
    if (const auto broken = broken_text(*value, "options" + step_into(*key)))
      return *broken;
    return Error(ErrorCode::invalid_request,
                 fmt::format("option {} must be {}", *key, row->expected));
  }
  return options;
}

} // namespace

Result<CallOptions> read_call_options(std::string_view raw, RunKind kind) {
  auto options = read_options(raw, static_cast<Where>(bit_of(kind)));
  if (!options)
    return options.error();
  options->call.pool = options->pool.value_or(options->call.pool);
  return options->call;
}

Result<ScriptOptions> read_script_options(std::string_view raw) {
  const auto options = read_options(raw, in_script);
  if (!options)
    return options.error();
  if (options->load.module && options->load.commonjs)
    return Error(ErrorCode::invalid_request,
                 "a script is a module or CommonJS: options module and commonjs don't go together");
  return ScriptOptions{options->pool, options->call.limits, options->load};
}

Result<ListOptions> read_list_options(std::string_view raw) {
  auto options = read_options(raw, in_list);
  if (!options)
    return options.error();
  options->list.pool = options->pool;
  if (!options->list.after.empty() && !options->pool)
    return Error(ErrorCode::invalid_request,
                 "option after goes with option pool: names are in an order within one");
  return options->list;
}

Result<Hello> read_hello(std::string_view raw) {
  const auto options = read_options(raw, in_hello);
  if (!options)
    return options.error();
  return options->hello;
}

Result<ScriptOptions> give_options(Script &script, std::string_view raw) {
  script.options = raw;
  auto options = read_script_options(script.options);
  if (!options)
    return options;
  script.limits = options->limits;
  script.load_options = options->load;
  if (!Reader(raw).map()) // nil, or left out
    script.options = "\x80";
  return options;
}

} // namespace lethe
