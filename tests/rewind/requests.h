// SPDX-License-Identifier: Apache-2.0
// Requests of many kinds, each with the reply that it must get, and a client that sends a mix of
// them as fast as it can.
#pragma once

#include "ipc/buffer.h"
#include "tests/harness/client.h"

#include <random>
#include <string>
#include <vector>

namespace lethe::test {

struct RequestKind {
  std::string name;
  unsigned weight; // how many of ten thousand in the mix are of this kind
  std::string method;
  json params;
  Reply expected{};
};

// Puts the scripts that they call, and asks each once in a process of its own for what is expected.
std::vector<RequestKind> request_kinds(Client &client);

// Keeps requests in flight on a connection of its own, and compares each reply.
class MixedLoad {
public:
  MixedLoad(const std::string &socket_path, const std::vector<RequestKind> &kinds);

  void run(size_t requests, unsigned in_flight = 32);

private:
  size_t pick();
  void send(uint32_t msgid, size_t kind);
  void receive();
  bool take_reply();

  Client client_;
  const std::vector<RequestKind> &kinds_;
  std::vector<std::string> bytes_;       // of each kind
  std::vector<size_t> mix_;              // ten thousand indices of kinds
  std::mt19937 random_{4711};            // the same mix every time
  std::vector<size_t> kind_of_, free_{}; // msgid -> kind; msgids without a request
  Buffer input_;
  std::string output_;
};

} // namespace lethe::test
