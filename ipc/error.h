// SPDX-License-Identifier: Apache-2.0
// The errors that a client can get, and Result<T>: a value or such an error.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace lethe {

// One row for each code of the protocol: name, what its reader should know. The manual is made from
// this table; client/PROTOCOL.md names the further keys of each.
//
// clang-format off
#define LETHE_ERROR_CODES(row)                                                  \
  row(script_error, "the script threw, or its promise was rejected")            \
  row(compile_error, "the script does not compile, or a module is not found")   \
  row(deadline_exceeded, "the deadline or the CPU limit passed")                \
  row(memory_limit, "the script needed more memory than it may have")           \
  row(worker_crashed, "the worker died in some other way")                      \
  row(sandbox_violation, "the worker tried what the sandbox forbids")           \
  row(quarantined, "it has ended too many workers, and is not run any more")    \
  row(invalid_value, "a value cannot be converted")                             \
  row(not_found, "no such script, function or pool")                            \
  row(overloaded, "a limit on queued or running requests was reached")          \
  row(too_large, "a message or a result is over the limit")                     \
  row(forbidden, "the peer may not do this")                                    \
  row(cancelled, "the client cancelled the request")                            \
  row(shutting_down, "the daemon is stopping")                                  \
  row(invalid_request, "the message is not a request of this protocol")         \
  row(unknown_method, "there is no such method")                                \
  row(internal, "a defect of the daemon; its log has more")
// clang-format on

enum class ErrorCode : uint8_t {
#define LETHE_ROW(name, help) name,
  LETHE_ERROR_CODES(LETHE_ROW)
#undef LETHE_ROW
};

// The name on the wire, "deadline_exceeded" for instance. Static storage.
std::string_view error_name(ErrorCode code);
std::optional<ErrorCode> code_from_name(std::string_view name);
std::string_view error_help(ErrorCode code);

// An error as a client gets it: `{code, message, …}`. Further keys are those of the protocol's
// table.
struct Error {
  using Value = std::variant<int64_t, std::string>;

  ErrorCode code = ErrorCode::internal;
  std::string message; // for people: what happened and what to do
  std::vector<std::pair<std::string, Value>> keys;

  Error(ErrorCode error_code, std::string text) : code(error_code), message(std::move(text)) {}
  Error &&with(std::string key, Value value) && {
    keys.emplace_back(std::move(key), std::move(value));
    return std::move(*this);
  }
};

// A value or an Error. Asking for the one that is not there is a broken invariant (std::variant
// throws, nothing catches).
template <typename T> class [[nodiscard]] Result {
public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return state_.index() == 0; }
  T &operator*() { return std::get<0>(state_); }
  const T &operator*() const { return std::get<0>(state_); }
  T *operator->() { return &std::get<0>(state_); }
  const T *operator->() const { return &std::get<0>(state_); }
  Error &error() { return std::get<1>(state_); }
  const Error &error() const { return std::get<1>(state_); }

private:
  std::variant<T, Error> state_;
};

struct Nothing {}; // Result<Nothing>: success without a value

// "open /run/x: No such file or directory", from errno.
std::string system_message(std::string_view what);

// Ends the process: an invariant is broken. `invariant` names it; it goes to standard error.
[[noreturn]] void fatal(std::string_view invariant);

} // namespace lethe
