// SPDX-License-Identifier: Apache-2.0
// A client that keeps a number of requests in flight on one connection.
#include "tests/bench/load.h"

#include "ipc/message_pack.h"
#include <algorithm>
#include <cmath>
#include <sys/socket.h>

namespace lethe::bench {
namespace {

using test::Clock;

// Where request_bytes() puts the msgid: after the array's head, the type and uint32's first byte.
constexpr size_t msgid_at = 3;

} // namespace

double Load::percentile(double percent) const {
  const auto rank =
      static_cast<size_t>(std::ceil(percent / 100 * static_cast<double>(latencies_us.size())));
  return latencies_us.at(std::max<size_t>(rank, 1) - 1);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 ? values.at(middle) : (values.at(middle - 1) + values.at(middle)) / 2;
}

std::string request_bytes(const std::string &method, const test::json &params) {
  return std::string("\x94\x00\xce\x00\x00\x00\x00", 7) + test::to_bytes(method) +
         test::to_bytes(params);
}

Load LoadClient::run(const std::vector<std::string> &requests, unsigned in_flight,
                     std::chrono::milliseconds duration) {
  std::vector<Clock::time_point> begun(in_flight);
  std::vector<uint32_t> msgids(in_flight);
  for (uint32_t i = 0; i < in_flight; ++i)
    msgids[i] = i;
  Load load;
  const auto begin = Clock::now(), end = begin + duration;
  auto now = begin;
  for (unsigned running = 0; now < end || running > 0;) {
    if (now < end) {
      for (const uint32_t msgid : msgids)
        begun[msgid] = now;
      send_requests(requests, msgids);
      running += static_cast<unsigned>(msgids.size());
    }
    receive_replies(msgids);
    now = Clock::now();
    for (const uint32_t msgid : msgids)
      load.latencies_us.push_back(
          std::chrono::duration<double, std::micro>(now - begun.at(msgid)).count());
    running -= static_cast<unsigned>(msgids.size());
  }
  load.seconds = std::chrono::duration<double>(now - begin).count();
  std::sort(load.latencies_us.begin(), load.latencies_us.end());
  return load;
}

void LoadClient::send_requests(const std::vector<std::string> &requests,
                               const std::vector<uint32_t> &msgids) {
  output_.clear();
  for (const uint32_t msgid : msgids) {
    const size_t at = output_.size() + msgid_at;
    output_ += requests[sent_++ % requests.size()];
    for (unsigned byte = 0; byte < 4; ++byte)
      output_[at + byte] = static_cast<char>(msgid >> (24 - 8 * byte));
  }
  client_.send(output_);
}

void LoadClient::receive_replies(std::vector<uint32_t> &msgids) {
  msgids.clear();
  while (msgids.empty()) {
    constexpr size_t bytes = 1 << 16;
    const ssize_t received = ::recv(client_.descriptor(), input_.reserve(bytes), bytes, 0);
    test::expect(received > 0, "the connection was closed");
    input_.commit(static_cast<size_t>(received));
    while (true) {
      Reader reader(input_.view());
      reader.array();
      const auto type = reader.integer(), msgid = reader.integer();
      const auto error = reader.take_raw(); // the echo's method
      if (!reader.skip())
        break;
      if (type == 1 && error != "\xc0")
        test::fail("a request failed: " +
                   test::shown(test::json::from_msgpack(std::string(error.value()))));
      msgids.push_back(static_cast<uint32_t>(msgid.value()));
      input_.consume(input_.size() - reader.rest().size());
    }
  }
}

} // namespace lethe::bench
