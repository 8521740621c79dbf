// SPDX-License-Identifier: Apache-2.0
// liblethe for C++20: lethe.h with owners instead of free functions. Its rules hold here, too. No
// exceptions of its own.
#pragma once

#include "lethe.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace lethe {
inline namespace v0 {

// A view of one MessagePack value in somebody else's memory: valid as long as that one is.
class Value {
public:
  Value() = default;
  Value(lethe_value value) : value_(value) {}

  lethe_type type() const { return lethe_value_type(value_); }
  explicit operator bool() const { return type() != LETHE_NONE; }

  // Nothing if it is of another type.
  std::optional<bool> boolean() const { return read<bool>(lethe_value_boolean); }
  std::optional<int64_t> int64() const { return read<int64_t>(lethe_value_int64); }
  std::optional<uint64_t> uint64() const { return read<uint64_t>(lethe_value_uint64); }
  std::optional<double> number() const { return read<double>(lethe_value_double); }
  std::optional<std::string_view> bytes() const { // of a string or binary
    const char *data = nullptr;
    size_t size = 0;
    if (!lethe_value_bytes(value_, &data, &size))
      return std::nullopt;
    return std::string_view(data, size);
  }
  // Nothing beyond what 64 bits of nanoseconds hold, from the year 1677 to 2262: see date().
  std::optional<std::chrono::sys_time<std::chrono::nanoseconds>> timestamp() const {
    constexpr int64_t most_seconds = INT64_MAX / 1'000'000'000;
    int64_t seconds = 0;
    uint32_t nanoseconds = 0;
    if (!lethe_value_timestamp(value_, &seconds, &nanoseconds) || seconds >= most_seconds ||
        seconds < -most_seconds)
      return std::nullopt;
    return std::chrono::sys_time<std::chrono::nanoseconds>(std::chrono::seconds(seconds) +
                                                           std::chrono::nanoseconds(nanoseconds));
  }
  // The same in whole milliseconds, rounded down: each Date of a script, up to the year 275760.
  std::optional<std::chrono::sys_time<std::chrono::milliseconds>> date() const {
    constexpr int64_t most_seconds = 8'640'000'000'000;
    int64_t seconds = 0;
    uint32_t nanoseconds = 0;
    if (!lethe_value_timestamp(value_, &seconds, &nanoseconds) || seconds > most_seconds ||
        seconds < -most_seconds)
      return std::nullopt;
    return std::chrono::sys_time<std::chrono::milliseconds>(
        std::chrono::seconds(seconds) + std::chrono::milliseconds(nanoseconds / 1'000'000));
  }

  size_t count() const { return lethe_value_count(value_); }
  // None if it is not there; so chains of them are safe.
  Value operator[](const char *key) const { return lethe_value_get(value_, key); }
  Value operator[](size_t index) const { return lethe_value_at(value_, index); }
  // Calls `visit(key, element)` for each pair of a map, with a key that is none for each element of
  // an array.
  template <typename Visit> void for_each(Visit visit) const {
    lethe_iterator iterator = lethe_iterate(value_);
    for (lethe_value key, element; lethe_next(&iterator, &key, &element);)
      visit(Value(key), Value(element));
  }

  // Empty if this is none.
  std::string json(unsigned indent = 0) const {
    size_t size = 0;
    const std::unique_ptr<char, decltype(&lethe_free)> text(
        lethe_value_to_json(value_, indent, &size), lethe_free);
    return text ? std::string(text.get(), size) : std::string();
  }
  lethe_value c_value() const { return value_; }

private:
  template <typename T> std::optional<T> read(bool (*reader)(lethe_value, T *)) const {
    T result{};
    return reader(value_, &result) ? std::optional<T>(result) : std::nullopt;
  }

  lethe_value value_{nullptr, 0};
};

// A result or an error, like std::expected<Value, error>. Values in it live as long as it does.
class Reply {
public:
  explicit Reply(lethe_reply *reply) : reply_(reply) {}

  explicit operator bool() const { return lethe_reply_ok(reply_.get()); }
  Value value() const { return lethe_reply_value(reply_.get()); } // or the error's map
  Value operator*() const { return value(); }
  // Of an error; empty for a result.
  std::string_view code() const { return *this ? "" : lethe_reply_code(reply_.get()); }
  std::string_view message() const { return *this ? "" : lethe_reply_message(reply_.get()); }

private:
  struct Free {
    void operator()(lethe_reply *reply) const { lethe_reply_free(reply); }
  };
  std::unique_ptr<lethe_reply, Free> reply_;
};

// A T, or the error for which there is none.
template <typename T> class [[nodiscard]] Result {
public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Reply error) : state_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return state_.index() == 0; }
  T &operator*() { return std::get<0>(state_); }
  T *operator->() { return &std::get<0>(state_); }
  const Reply &error() const { return std::get<1>(state_); }

private:
  std::variant<T, Reply> state_;
};

// Makes values: Builder().array(2).integer(1).string("two").
class Builder {
public:
  Builder() : builder_(lethe_builder_new()) {}
  static Result<Builder> from_json(std::string_view text) {
    Builder builder;
    lethe_reply *error = nullptr;
    if (!lethe_build_json(builder.builder_.get(), text.data(), text.size(), &error))
      return Reply(error);
    return builder;
  }

  Builder &nil() { return lethe_build_nil(builder_.get()), *this; }
  Builder &boolean(bool value) { return lethe_build_boolean(builder_.get(), value), *this; }
  Builder &integer(int64_t value) { return lethe_build_int64(builder_.get(), value), *this; }
  Builder &number(double value) { return lethe_build_double(builder_.get(), value), *this; }
  Builder &string(std::string_view text) {
    return lethe_build_string(builder_.get(), text.data(), text.size()), *this;
  }
  Builder &binary(std::string_view bytes) {
    return lethe_build_binary(builder_.get(), bytes.data(), bytes.size()), *this;
  }
  // Of any precision: nothing is converted to nanoseconds as a whole.
  template <typename Duration> Builder &timestamp(std::chrono::sys_time<Duration> time) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    const auto rest = std::chrono::floor<std::chrono::nanoseconds>(time - seconds);
    lethe_build_timestamp(builder_.get(), seconds.time_since_epoch().count(),
                          static_cast<uint32_t>(rest.count()));
    return *this;
  }
  Builder &array(uint32_t count) { return lethe_build_array(builder_.get(), count), *this; }
  Builder &map(uint32_t pairs) { return lethe_build_map(builder_.get(), pairs), *this; }
  Builder &value(Value value) { return lethe_build_value(builder_.get(), value.c_value()), *this; }

  // None unless exactly one value was built. Valid until the builder is used again.
  Value value() const { return lethe_builder_value(builder_.get()); }
  operator Value() const { return value(); }

private:
  struct Free {
    void operator()(lethe_builder *builder) const { lethe_builder_free(builder); }
  };
  std::unique_ptr<lethe_builder, Free> builder_;
};

// See lethe_options.
struct Options {
  std::string pool, isolation, trace;
  Value globals;
  std::chrono::milliseconds deadline{0}, cpu{0}, timeout{0};
  int64_t memory_mb = 0;
  bool console = false, stats = false, idempotent = false;

  lethe_options c_options() const {
    const auto text = [](const std::string &from) { return from.empty() ? nullptr : from.c_str(); };
    lethe_options options{};
    options.struct_size = sizeof options;
    options.pool = text(pool);
    options.isolation = text(isolation);
    options.trace = text(trace);
    options.globals = globals.c_value();
    options.deadline_ms = deadline.count();
    options.cpu_ms = cpu.count();
    options.memory_mb = memory_mb;
    options.timeout_ms = timeout.count();
    options.console = console;
    options.stats = stats;
    options.idempotent = idempotent;
    return options;
  }
};

// See lethe_fetch_request.
struct FetchRequest {
  std::string url, method{}, function{};
  std::vector<std::pair<std::string, std::string>> headers{};
  std::optional<std::string> body{}; // any bytes
  Value env{};
};

// A request in flight: wait() gets its reply. One that is dropped is cancelled.
class Request {
public:
  explicit Request(lethe_request *request) : request_(request) {}

  uint32_t id() const { return lethe_request_id(request_.get()); }
  void cancel() { lethe_cancel(request_.get()); }
  // Nothing: not within the limit, or already taken.
  std::optional<Reply> wait(std::chrono::milliseconds limit) { return take(limit.count()); }
  std::optional<Reply> wait() { return take(-1); }

private:
  struct Free {
    void operator()(lethe_request *request) const { lethe_request_free(request); }
  };
  std::optional<Reply> take(int64_t limit_ms) {
    lethe_reply *reply = lethe_wait(request_.get(), limit_ms);
    return reply ? std::optional<Reply>(reply) : std::nullopt;
  }

  std::unique_ptr<lethe_request, Free> request_;
};

// A script's call to this program, answered once; one that is dropped fails.
class HostCall {
public:
  explicit HostCall(lethe_host_call *call) : call_(call) {}

  std::string_view name() const { return lethe_host_call_name(call_.get()); }
  Value arguments() const { return lethe_host_call_arguments(call_.get()); }
  uint32_t request_id() const { return lethe_host_call_request_id(call_.get()); }
  void reply(Value result) && { lethe_host_reply(call_.release(), result.c_value()); }
  void fail(const std::string &code, const std::string &message) && {
    lethe_host_fail(call_.release(), code.c_str(), message.c_str());
  }

private:
  struct Drop {
    void operator()(lethe_host_call *call) const {
      lethe_host_fail(call, "internal", "the call was dropped without an answer");
    }
  };
  std::unique_ptr<lethe_host_call, Drop> call_;
};

class Client {
public:
  using Step = std::pair<std::string, std::string>; // script, function
  using Completion = std::function<void(Reply)>;

  // An empty path: $LETHE_SOCKET, else the system's daemon.
  static Result<Client> connect(const std::string &path = {},
                                std::chrono::milliseconds connect_timeout = {}) {
    lethe_reply *error = nullptr;
    lethe_client *client =
        lethe_connect(path.empty() ? nullptr : path.c_str(), connect_timeout.count(), &error);
    if (!client)
      return Reply(error);
    return Client(client);
  }

  void set_limits(size_t max_in_flight, size_t max_message_bytes) {
    lethe_set_limits(client_.get(), max_in_flight, max_message_bytes);
  }

  Reply call(const std::string &script, const std::string &function, Value arguments = {},
             const Options &options = {}) {
    const lethe_options c_options = options.c_options();
    return Reply(lethe_call(client_.get(), script.c_str(), function.c_str(), arguments.c_value(),
                            &c_options));
  }
  // {status, statusText, headers: [[name, value], …], body}
  Reply fetch(const std::string &script, const FetchRequest &request, const Options &options = {}) {
    const lethe_options c_options = options.c_options();
    std::vector<lethe_header> headers;
    for (const auto &[name, value] : request.headers)
      headers.push_back({name.c_str(), value.c_str()});
    lethe_fetch_request c_request{};
    c_request.struct_size = sizeof c_request;
    c_request.url = request.url.c_str();
    c_request.method = request.method.empty() ? nullptr : request.method.c_str();
    c_request.headers = headers.data();
    c_request.header_count = headers.size();
    c_request.body = request.body ? request.body->data() : nullptr;
    c_request.body_size = request.body ? request.body->size() : 0;
    c_request.env = request.env.c_value();
    c_request.function = request.function.empty() ? nullptr : request.function.c_str();
    return Reply(lethe_fetch(client_.get(), script.c_str(), &c_request, &c_options));
  }
  Reply eval(std::string_view source, const Options &options = {}) {
    const lethe_options c_options = options.c_options();
    return Reply(lethe_eval(client_.get(), source.data(), source.size(), &c_options));
  }
  Reply chain(std::span<const Step> steps, Value input, const Options &options = {}) {
    const lethe_options c_options = options.c_options();
    std::vector<lethe_step> c_steps;
    for (const auto &[script, function] : steps)
      c_steps.push_back({script.c_str(), function.c_str()});
    return Reply(
        lethe_chain(client_.get(), c_steps.data(), c_steps.size(), input.c_value(), &c_options));
  }
  // Any method of the protocol.
  Reply invoke(const std::string &method, Value params = {},
               std::chrono::milliseconds timeout = {}) {
    return Reply(lethe_invoke(client_.get(), method.c_str(), params.c_value(), timeout.count()));
  }

  Request call_async(const std::string &script, const std::string &function, Value arguments = {},
                     const Options &options = {}) {
    const lethe_options c_options = options.c_options();
    return Request(lethe_call_async(client_.get(), script.c_str(), function.c_str(),
                                    arguments.c_value(), &c_options, nullptr, nullptr));
  }
  // `completion` is called from dispatch().
  void call_async(const std::string &script, const std::string &function, Value arguments,
                  const Options &options, Completion completion) {
    const lethe_options c_options = options.c_options();
    lethe_call_async(client_.get(), script.c_str(), function.c_str(), arguments.c_value(),
                     &c_options, complete, new Completion(std::move(completion)));
  }
  void invoke_async(const std::string &method, Value params, std::chrono::milliseconds timeout,
                    Completion completion) {
    lethe_invoke_async(client_.get(), method.c_str(), params.c_value(), timeout.count(), complete,
                       new Completion(std::move(completion)));
  }
  int descriptor() const { return lethe_descriptor(client_.get()); }
  size_t dispatch(std::chrono::milliseconds limit) {
    return lethe_dispatch(client_.get(), limit.count());
  }

  // Handlers are set before the requests that need them, and not from within one.
  void
  on_console(std::function<void(uint32_t request, std::string_view level, std::string_view text)>
                 handler) {
    handlers_->console = std::move(handler);
    lethe_on_console(
        client_.get(),
        [](void *user, uint32_t id, const char *level, const char *text, size_t size) {
          static_cast<Handlers *>(user)->console(id, level, {text, size});
        },
        handlers_.get());
  }
  void on_stats(std::function<void(uint32_t request, Value figures)> handler) {
    handlers_->stats = std::move(handler);
    lethe_on_stats(
        client_.get(),
        [](void *user, uint32_t id, lethe_value figures) {
          static_cast<Handlers *>(user)->stats(id, figures);
        },
        handlers_.get());
  }
  void on_host_call(const std::string &name, std::function<void(HostCall)> handler) {
    auto &place = handlers_->host[name]; // a map's elements stay where they are
    place = std::move(handler);
    lethe_on_host_call(
        client_.get(), name.c_str(),
        [](void *user, lethe_host_call *call) {
          (*static_cast<std::function<void(HostCall)> *>(user))(HostCall(call));
        },
        &place);
  }

  lethe_client *c_client() { return client_.get(); }

private:
  struct Handlers {
    std::function<void(uint32_t, std::string_view, std::string_view)> console;
    std::function<void(uint32_t, Value)> stats;
    std::map<std::string, std::function<void(HostCall)>> host;
  };
  struct Close {
    void operator()(lethe_client *client) const { lethe_close(client); }
  };

  explicit Client(lethe_client *client) : client_(client) {}
  static void complete(void *user, lethe_reply *reply) {
    const std::unique_ptr<Completion> completion(static_cast<Completion *>(user));
    (*completion)(Reply(reply));
  }

  std::unique_ptr<Handlers> handlers_ = std::make_unique<Handlers>(); // outlives the client
  std::unique_ptr<lethe_client, Close> client_;
};

} // namespace v0
} // namespace lethe
