// SPDX-License-Identifier: Apache-2.0
// The host functions that scripts of cases.json call.
#include "tests/clients/c/hosts.h"

#include "tests/clients/c/value.h"
#include <string_view>
#include <utility>

namespace lethe::test {
namespace {

constexpr lethe_value none{nullptr, 0};

std::string_view text_argument(const lethe_host_call *call) {
  const char *bytes = nullptr;
  size_t size = 0;
  lethe_value_bytes(lethe_value_at(lethe_host_call_arguments(call), 0), &bytes, &size);
  return {bytes, size};
}

void return_integer(lethe_host_call *call, int64_t number) {
  const OwnBuilder builder(lethe_builder_new());
  lethe_build_int64(builder.get(), number);
  lethe_host_reply(call, lethe_builder_value(builder.get()));
}

// With what came of another request.
void pass_on(lethe_host_call *call, const OwnReply &reply) {
  if (lethe_reply_ok(reply.get()))
    lethe_host_reply(call, lethe_reply_value(reply.get()));
  else
    lethe_host_fail(call, lethe_reply_code(reply.get()), lethe_reply_message(reply.get()));
}

} // namespace

template <Hosts::Method method> void Hosts::add(const char *name) {
  lethe_on_host_call(
      client_, name,
      [](void *self, lethe_host_call *call) { (static_cast<Hosts *>(self)->*method)(call); }, this);
}

Hosts::Hosts(lethe_client *client, Way way) : client_(client), way_(way) {
  add<&Hosts::add_numbers>("add");
  add<&Hosts::echo>("echo");
  add<&Hosts::raise>("fail");
  add<&Hosts::unsendable>("unsendable");
  add<&Hosts::begin>("begun");
  add<&Hosts::wait_for_release>("released");
  add<&Hosts::attempt>("attempt");
  add<&Hosts::hang>("hang");
  add<&Hosts::eval>("eval");
}

void Hosts::release() {
  released_ = true;
  for (lethe_host_call *call : std::exchange(waiting_, {}))
    lethe_host_reply(call, none);
}

void Hosts::end() {
  release();
  for (lethe_host_call *call : std::exchange(hanging_, {}))
    lethe_host_reply(call, none);
}

void Hosts::add_numbers(lethe_host_call *call) {
  const lethe_value arguments = lethe_host_call_arguments(call);
  int64_t one = 0, other = 0;
  expect(lethe_value_int64(lethe_value_at(arguments, 0), &one) &&
             lethe_value_int64(lethe_value_at(arguments, 1), &other),
         "add() is called with integers");
  return_integer(call, one + other);
}

void Hosts::echo(lethe_host_call *call) { lethe_host_reply(call, lethe_host_call_arguments(call)); }

void Hosts::raise(lethe_host_call *call) {
  lethe_host_fail(call, "host_error", std::string(text_argument(call)).c_str());
}

void Hosts::unsendable(lethe_host_call *call) {
  lethe_host_reply(call, {"\x92\x01", 2}); // an array of two, of which one is missing
}

void Hosts::begin(lethe_host_call *call) {
  begun_.emplace(text_argument(call));
  lethe_host_reply(call, none);
}

void Hosts::wait_for_release(lethe_host_call *call) {
  waiting_.push_back(call);
  if (released_)
    release();
}

void Hosts::attempt(lethe_host_call *call) { return_integer(call, ++attempts_); }

void Hosts::hang(lethe_host_call *call) { hanging_.push_back(call); }

void Hosts::eval(lethe_host_call *call) {
  const std::string_view source = text_argument(call);
  if (way_ == Way::waiting)
    return pass_on(call, OwnReply(lethe_eval(client_, source.data(), source.size(), nullptr)));
  lethe_eval_async(
      client_, source.data(), source.size(), nullptr,
      [](void *own, lethe_reply *reply) {
        pass_on(static_cast<lethe_host_call *>(own), OwnReply(reply));
      },
      call);
}

} // namespace lethe::test
