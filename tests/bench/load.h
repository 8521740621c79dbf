// SPDX-License-Identifier: Apache-2.0
// A client that keeps a number of requests in flight on one connection, as cheaply as it can: it
// shares the cores with what it measures.
#pragma once

#include "ipc/buffer.h"
#include "tests/harness/client.h"

#include <chrono>
#include <string>
#include <vector>

namespace lethe::bench {

struct Load {
  std::vector<double> latencies_us; // one for each request, sorted
  double seconds = 0;

  double per_second() const { return static_cast<double>(latencies_us.size()) / seconds; }
  double percentile(double percent) const;
};

double median(std::vector<double> values);

// A request's bytes with a place for its msgid.
std::string request_bytes(const std::string &method, const test::json &params);

class LoadClient {
public:
  explicit LoadClient(const std::string &socket_path) : client_(socket_path) {}

  // Sends the requests in turn, again and again for this long. A reply with an error fails.
  Load run(const std::vector<std::string> &requests, unsigned in_flight,
           std::chrono::milliseconds duration);

private:
  void send_requests(const std::vector<std::string> &requests, const std::vector<uint32_t> &msgids);
  // Waits for replies and fills in the msgids of those that are complete.
  void receive_replies(std::vector<uint32_t> &msgids);

  test::Client client_;
  Buffer input_;
  std::string output_;
  size_t sent_ = 0;
};

} // namespace lethe::bench
