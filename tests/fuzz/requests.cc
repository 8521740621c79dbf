// SPDX-License-Identifier: Apache-2.0
// Any bytes where a client's options, a script's options and an error that a worker made are read:
// each is taken or refused with a message, and what is taken keeps to its limits. Of what is wrong
// with any bytes there is something to say.
#include "daemon/master/clients/replies.h"
#include "daemon/master/operation/flaw.h"
#include "daemon/master/scripts/request_options.h"
#include "ipc/error_map.h"
#include "ipc/message_pack.h"
#include "ipc/utf8.h"
#include "ipc/value_path.h"

#include <algorithm>
#include <cstdlib>
#include <memory>

using namespace lethe;

namespace {

constexpr uint32_t max_depth = 64;

void check(bool holds) {
  if (!holds)
    std::abort();
}

void check(const Limits &limits) {
  for (const auto limit : {limits.deadline_ms, limits.cpu_ms, limits.memory_mb})
    check(!limit || *limit >= 0);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  // A copy of exactly this size, so that a read past the end is seen.
  const size_t length = size - 1;
  const std::unique_ptr<char[]> copy(new char[length]);
  std::copy_n(data + 1, length, copy.get());
  const std::string_view bytes(copy.get(), length);
  // The master has skimmed a message, so that it is whole, before it reads in it.
  if (length > 0 && !is_one_value(bytes, max_depth))
    return 0;

  const auto call = read_call_options(bytes, static_cast<RunKind>(data[0] % 5));
  call ? check(call->limits) : check(!call.error().message.empty());
  const auto script = read_script_options(bytes);
  script ? check(script->limits) : check(!script.error().message.empty());
  const auto hello = read_hello(bytes);
  hello ? check(is_utf8(hello->client)) : check(!hello.error().message.empty());
  if (const auto broken = broken_text(bytes, "$"))
    check(!std::get<std::string>(broken->keys.at(0).second).empty());
  check(!describe_flaw(bytes, bytes).empty());
  Buffer out;
  write_raw_error_response(out, 1, bytes, data[0] % 3 - 1,
                           static_cast<ErrorShape>(data[0] / 5 % 3));
  check(out.view().empty() || is_one_value(out.view(), max_depth + 1));
  Buffer again;
  write_error(again, error_from_map(bytes));
  check(is_one_value(again.view(), max_depth));
  return 0;
}
