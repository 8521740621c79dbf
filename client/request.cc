// SPDX-License-Identifier: Apache-2.0
// Requests: the C functions that pack them, send them and wait for them.
#include "client/client.h"
#include "client/json.h"

#include <algorithm>
#include <cstring>
#include <msgpack.hpp>

using lethe::Clock;
using lethe::packed_nil;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds default_timeout{60'000};
constexpr milliseconds slack{5'000}; // beyond the deadline, which the daemon keeps

constexpr std::string_view empty_array = "\x90";

// A method with its parameters, and how long to wait for the reply.
class Message {
public:
  explicit Message(const char *method) { packer_.pack(method); }
  Message(const char *method, uint32_t params) : Message(method) { packer_.pack_array(params); }
  Message(const Message &) = delete; // the packer writes to this body

  void add(std::string_view text) { packer_.pack(text); }
  // A value of the caller; without one `otherwise`, which is packed.
  void add_value(const char *what, lethe_value value, std::string_view otherwise) {
    const std::string_view bytes =
        value.size == 0 ? otherwise
                        : std::string_view(static_cast<const char *>(value.data), value.size);
    if (!lethe::is_one_value(bytes, lethe::max_value_depth))
      invalid_ = std::string(what) + ": this is not one MessagePack value";
    body_.append(bytes);
  }
  void add_steps(const lethe_step *steps, size_t count) {
    packer_.pack_array(static_cast<uint32_t>(count));
    for (size_t i = 0; i < count; ++i) {
      packer_.pack_array(2);
      packer_.pack(steps[i].script);
      packer_.pack(steps[i].function);
    }
  }
  void add_request(const lethe_fetch_request &request);
  void add_options(const lethe_options *given);
  void set_timeout(int64_t timeout_ms) {
    if (timeout_ms > 0)
      timeout_ = milliseconds(timeout_ms);
  }

  lethe_request *send(lethe_client *client, lethe_completion completion, void *user) const {
    const auto request = invalid_.empty() ? client->submit(body_.view(), timeout_, completion, user)
                                          : client->refuse(invalid_, completion, user);
    return request.get();
  }

private:
  lethe::Buffer body_;
  msgpack::packer<lethe::Buffer> packer_{body_};
  milliseconds timeout_{default_timeout};
  std::string invalid_; // what is wrong with the parameters
};

// Of an older or newer header: what both know.
template <typename Struct> Struct known_part(const Struct *given) {
  Struct known{};
  if (given)
    std::memcpy(&known, given, std::min(given->struct_size, sizeof known));
  return known;
}

// As the arguments of a call.
void Message::add_request(const lethe_fetch_request &request) {
  const auto add_pair = [this](const char *key, const char *value) {
    packer_.pack(key);
    packer_.pack(value);
  };
  packer_.pack_array(2);
  packer_.pack_map(4);
  add_pair("url", request.url ? request.url : "");
  add_pair("method", request.method ? request.method : request.body ? "POST" : "GET");
  packer_.pack("headers");
  packer_.pack_array(static_cast<uint32_t>(request.header_count));
  for (size_t i = 0; i < request.header_count; ++i) {
    packer_.pack_array(2);
    packer_.pack(request.headers[i].name);
    packer_.pack(request.headers[i].value);
  }
  packer_.pack("body");
  if (request.body) {
    packer_.pack_bin(static_cast<uint32_t>(request.body_size));
    packer_.pack_bin_body(static_cast<const char *>(request.body),
                          static_cast<uint32_t>(request.body_size));
  } else {
    packer_.pack_nil();
  }
  add_value("env", request.env, packed_nil);
}

void Message::add_options(const lethe_options *given) {
  const auto options = known_part(given);
  uint32_t pairs = 0;
  for (const bool set :
       {options.pool != nullptr, options.isolation != nullptr, options.trace != nullptr,
        options.globals.size > 0, options.deadline_ms != 0, options.cpu_ms != 0,
        options.memory_mb != 0, options.console, options.stats, options.idempotent, options.fetch})
    pairs += set;
  packer_.pack_map(pairs);
  const auto add_option = [&](const char *key, auto value) {
    if (!value)
      return;
    packer_.pack(key);
    packer_.pack(value);
  };
  add_option("pool", options.pool);
  add_option("isolation", options.isolation);
  add_option("trace", options.trace);
  if (options.globals.size > 0) {
    packer_.pack("globals");
    add_value("globals", options.globals, packed_nil);
  }
  add_option("deadline_ms", options.deadline_ms);
  add_option("cpu_ms", options.cpu_ms);
  add_option("memory_mb", options.memory_mb);
  add_option("console", options.console);
  add_option("stats", options.stats);
  add_option("idempotent", options.idempotent);
  add_option("fetch", options.fetch);
  set_timeout(options.timeout_ms > 0    ? options.timeout_ms
              : options.deadline_ms > 0 ? options.deadline_ms + slack.count()
                                        : 0);
}

lethe_reply *finish(lethe_request *request) {
  lethe_reply *reply = lethe_wait(request, -1);
  lethe_request_free(request);
  return reply;
}

} // namespace

lethe_request *lethe_call_async(lethe_client *client, const char *script, const char *function,
                                lethe_value arguments, const lethe_options *options,
                                lethe_completion completion, void *user) {
  Message message("call", 4);
  message.add(script);
  message.add(function);
  message.add_value("arguments", arguments, empty_array);
  message.add_options(options);
  return message.send(client, completion, user);
}

lethe_request *lethe_fetch_async(lethe_client *client, const char *script,
                                 const lethe_fetch_request *request, const lethe_options *options,
                                 lethe_completion completion, void *user) {
  const auto asked = known_part(request);
  auto with_fetch = known_part(options);
  with_fetch.struct_size = sizeof with_fetch;
  with_fetch.fetch = true;
  Message message("call", 4);
  message.add(script);
  message.add(asked.function ? asked.function : "default.fetch");
  message.add_request(asked);
  message.add_options(&with_fetch);
  return message.send(client, completion, user);
}

lethe_request *lethe_eval_async(lethe_client *client, const char *source, size_t size,
                                const lethe_options *options, lethe_completion completion,
                                void *user) {
  Message message("eval", 2);
  message.add({source, size == LETHE_TEXT ? std::strlen(source) : size});
  message.add_options(options);
  return message.send(client, completion, user);
}

lethe_request *lethe_chain_async(lethe_client *client, const lethe_step *steps, size_t count,
                                 lethe_value input, const lethe_options *options,
                                 lethe_completion completion, void *user) {
  Message message("chain", 3);
  message.add_steps(steps, count);
  message.add_value("input", input, packed_nil);
  message.add_options(options);
  return message.send(client, completion, user);
}

lethe_request *lethe_invoke_async(lethe_client *client, const char *method, lethe_value params,
                                  int64_t timeout_ms, lethe_completion completion, void *user) {
  Message message(method);
  message.add_value("params", params, empty_array);
  message.set_timeout(timeout_ms);
  return message.send(client, completion, user);
}

lethe_reply *lethe_call(lethe_client *client, const char *script, const char *function,
                        lethe_value arguments, const lethe_options *options) {
  return finish(lethe_call_async(client, script, function, arguments, options, nullptr, nullptr));
}

lethe_reply *lethe_fetch(lethe_client *client, const char *script,
                         const lethe_fetch_request *request, const lethe_options *options) {
  return finish(lethe_fetch_async(client, script, request, options, nullptr, nullptr));
}

lethe_reply *lethe_eval(lethe_client *client, const char *source, size_t size,
                        const lethe_options *options) {
  return finish(lethe_eval_async(client, source, size, options, nullptr, nullptr));
}

lethe_reply *lethe_chain(lethe_client *client, const lethe_step *steps, size_t count,
                         lethe_value input, const lethe_options *options) {
  return finish(lethe_chain_async(client, steps, count, input, options, nullptr, nullptr));
}

lethe_reply *lethe_invoke(lethe_client *client, const char *method, lethe_value params,
                          int64_t timeout_ms) {
  return finish(lethe_invoke_async(client, method, params, timeout_ms, nullptr, nullptr));
}

lethe_reply *lethe_wait(lethe_request *request, int64_t limit_ms) {
  return request->client->wait(*request, limit_ms < 0 ? Clock::time_point::max()
                                                      : Clock::now() + milliseconds(limit_ms));
}

void lethe_set_limits(lethe_client *client, size_t max_in_flight, size_t max_message_bytes) {
  client->set_limits(max_in_flight, max_message_bytes);
}

void lethe_cancel(lethe_request *request) { request->client->cancel(*request); }

uint32_t lethe_request_id(const lethe_request *request) { return request->id(); }

void lethe_request_free(lethe_request *request) {
  if (!request)
    return;
  request->client->abandon(*request);
  const auto last_share = std::move(request->handle);
}

int lethe_descriptor(const lethe_client *client) { return client->descriptor(); }

size_t lethe_dispatch(lethe_client *client, int64_t limit_ms) {
  return client->dispatch(milliseconds(std::max<int64_t>(limit_ms, 0)));
}
