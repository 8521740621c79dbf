// SPDX-License-Identifier: Apache-2.0
// A client as the dispatcher sees it: where its requests wait, and what becomes of them.
#pragma once

#include "daemon/master/dispatch/account.h"
#include "ipc/error.h"
#include "ipc/messages.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <sys/types.h>

namespace lethe {

class FairQueue;
struct Lane;
struct Request;

struct RunStats {
  int64_t queue_us, run_us, cpu_us, rewind_us, heap_kb;
  uint32_t generation;
  pid_t worker;
};

// A request has a client until it is answered (send_result, send_error, send_raw_error) or
// forgotten. No function calls the dispatcher, which may be in the middle of its lists: a client
// that can't be reached any more cancels its requests later.
class Client {
public:
  virtual const AccountPointer &account() const = 0; // its user's
  // Where this client's requests wait in the queue of this number.
  virtual Lane &lane(size_t number, FairQueue &queue) = 0;
  virtual void forget(Request &request) = 0;
  // Before a request runs once more: an answer to a call of its first run must not reach the
  // second.
  virtual void forget_host_calls(Request &request) = 0;

  virtual void send_result(Request &request, std::string_view result) = 0;
  virtual void send_error(Request &request, const Error &error) = 0;
  virtual void send_raw_error(Request &request, std::string_view error_map) = 0;
  virtual void send_console(const Request &request, std::string_view level,
                            std::string_view text) = 0;
  virtual void send_stats(const Request &request, const RunStats &stats) = 0;
  // What the request's worker says to a debugger; nothing: the worker is there. False:
  // go_on_debugging() will be called when there is room for more.
  virtual bool send_debug_output(const Request &request, std::optional<std::string_view> text) = 0;
  virtual bool awaits_room() const = 0;
  virtual void send_host_call(Request &request, const message::HostCall &call) = 0;
  // The request's worker takes answers to its host calls again.
  virtual void worker_has_room(Request &request) = 0;

protected:
  ~Client() = default;
};

} // namespace lethe
