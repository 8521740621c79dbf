// SPDX-License-Identifier: Apache-2.0
// A client of the raw protocol: it can send any bytes, and knows nothing that client/PROTOCOL.md
// doesn't say.
#pragma once

#include "ipc/buffer.h"
#include "ipc/file_descriptor.h"
#include "tests/harness/expect.h"
#include "tests/harness/process.h"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lethe::test {

std::string to_bytes(const json &value); // as MessagePack

struct Reply {
  std::string error_bytes, result_bytes; // MessagePack

  bool failed() const { return error_bytes != "\xc0"; }
  json error() const { return json::from_msgpack(error_bytes); }
  json result() const { return json::from_msgpack(result_bytes); }
};

inline std::string shown(const Reply &reply) {
  return reply.failed() ? "error " + shown(reply.error()) : shown(reply.result());
}

struct Notification {
  std::string method;
  json params;
};

// Thrown by a host-call handler: the script's promise is rejected with it.
struct HostError {
  json error;
};

class Client {
public:
  explicit Client(const std::string &socket_path);

  // Requests. `params` is the array as the protocol's table has it.
  uint32_t start(const std::string &method, const json &params);
  Reply wait(uint32_t msgid, milliseconds limit = patience);
  Reply request(const std::string &method, const json &params) {
    return wait(start(method, params));
  }
  void notify(const std::string &method, const json &params);

  // Request and reply in one; the other kind of reply fails the test.
  json result(const std::string &method, const json &params, Where where = Where::here());
  json error(const std::string &method, const json &params, Where where = Where::here());
  // The same for the commonest methods.
  json eval(const std::string &source, const json &options = nullptr, Where where = Where::here()) {
    return result("eval", {source, options}, where);
  }
  json eval_error(const std::string &source, const json &options = nullptr,
                  Where where = Where::here()) {
    return error("eval", {source, options}, where);
  }
  json call(const std::string &script, const std::string &function,
            const json &arguments = json::array(), const json &options = nullptr,
            Where where = Where::here()) {
    return result("call", {script, function, arguments, options}, where);
  }
  json put(const std::string &name, const std::string &source, const json &options = nullptr,
           Where where = Where::here()) {
    return result("script.put", {name, source, options}, where);
  }

  // Bytes as they are.
  void send(std::string_view bytes);
  // As much as the socket takes at once.
  size_t send_some(std::string_view bytes);
  // The next message that is not a reply somebody waits for; nothing when the daemon has closed the
  // connection.
  std::optional<std::string> receive(milliseconds limit = patience);
  // Reads until the daemon closes. False: it doesn't.
  bool closes(milliseconds limit = patience);
  int descriptor() const { return socket_.get(); }
  void close() { socket_.reset(); }

  // Answers the calls of scripts to their client; without it they get an error.
  std::function<json(uint32_t msgid, const std::string &name, const json &arguments)> on_host_call;
  std::vector<uint32_t> host_call_ids; // all that came
  std::vector<Notification> notifications;

private:
  bool read_more(milliseconds limit);
  std::optional<std::string> take_message();
  void dispatch(const std::string &message);
  void answer_host_call(uint32_t id, std::string_view params);

  FileDescriptor socket_;
  Buffer input_;
  uint32_t last_msgid_ = 0;
  std::map<uint32_t, Reply> replies_;
};

} // namespace lethe::test
