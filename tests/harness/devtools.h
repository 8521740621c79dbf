// SPDX-License-Identifier: Apache-2.0
// A debugger as Chrome is one: HTTP for the list, then the Chrome DevTools Protocol over a
// WebSocket. Made of sockets only, so that it proves the server's side.
#pragma once

#include "tests/harness/expect.h"
#include "tests/harness/process.h"

#include <deque>
#include <string>

namespace lethe::test {

// The body of the answer to GET; empty unless the status is 200.
std::string http_get(int port, const std::string &path, const std::string &host = "localhost");

class DevTools {
public:
  // Connects to what http://127.0.0.1:PORT/json/list names first.
  explicit DevTools(int port);

  // Sends a command and waits for its result.
  json ask(const std::string &method, const json &params = json::object(),
           Where where = Where::here());
  // Waits for the next event of this name; others are dropped.
  json event(const std::string &method, Where where = Where::here());
  // True: the server says goodbye within the time, and closes.
  bool is_closed_by_server();
  void leave() { socket_.reset(); } // without a goodbye

private:
  void send_frame(unsigned char opcode, const std::string &payload);
  std::string read_frame(unsigned char &opcode);
  std::string read(size_t bytes);
  json receive();

  FileDescriptor socket_;
  std::string input_;
  std::deque<json> events_;
  int last_id_ = 0;
};

} // namespace lethe::test
