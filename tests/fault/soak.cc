// SPDX-License-Identifier: Apache-2.0
// Many requests leave the master's descriptors and memory, and the number of processes, where they
// were. `make soak` (LETHE_SOAK=long) sends a million under reuse and rewind, a hundred thousand
// under process.
#include "tests/harness/daemon.h"

#include <criterion/criterion.h>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <deque>

using namespace lethe::test;

TestSuite(soak, .timeout = 3600);

namespace {

struct Footprint {
  size_t descriptors, processes, resident_kb;
};

Footprint footprint(const Daemon &daemon) {
  return {open_descriptors(daemon.pid()), daemon.descendants().size(),
          process_figure(daemon.pid(), "status", "VmRSS")};
}

void send_requests(Client &client, int count) {
  std::deque<uint32_t> waiting;
  for (int i = 0; i < count; ++i) {
    waiting.push_back(client.start("call", {"s", "f", {i}}));
    if (waiting.size() == 16) {
      const Reply reply = client.wait(waiting.front());
      expect(!reply.failed(), reply.failed() ? shown(reply.error()) : "");
      waiting.pop_front();
    }
  }
  for (const uint32_t msgid : waiting)
    client.wait(msgid);
}

void leaves_no_trace(const std::string &isolation, int requests, int long_requests) {
  const char *soak = std::getenv("LETHE_SOAK");
  if (soak && std::strcmp(soak, "long") == 0)
    requests = long_requests;
  constexpr size_t workers = 8; // with the spares
  Daemon daemon(
      {"pool.default.workers=4", "pool.default.spares=4", "pool.default.isolation=" + isolation});
  Client client = daemon.connect();
  client.put("s", "function f(x) { return x + 1; }");
  send_requests(client, requests / 10); // buffers have their size, allocators their pages
  const Footprint before = footprint(daemon);
  send_requests(client, requests);
  // Workers come and go; each has two descriptors in the master.
  expect(
      becomes_true([&] {
        const Footprint now = footprint(daemon);
        return now.descriptors <= before.descriptors + 2 * workers &&
               now.processes <= before.processes + workers;
      }),
      "descriptors or processes are left over: " + std::to_string(footprint(daemon).descriptors) +
          " and " + std::to_string(footprint(daemon).processes));
  const Footprint after = footprint(daemon);
  for (const ProcessState &state : daemon.descendants())
    expect(state.state != 'Z' || becomes_true([&] { return ::kill(state.pid, 0) != 0; }),
           "a zombie stays");
  cr_log_info("%s, %d requests: %zu -> %zu descriptors, %zu -> %zu processes, %zu -> %zu kB",
              isolation.c_str(), requests, before.descriptors, after.descriptors, before.processes,
              after.processes, before.resident_kb, after.resident_kb);
  expect(after.resident_kb < before.resident_kb + 1024,
         "the master grew from " + std::to_string(before.resident_kb) + " kB to " +
             std::to_string(after.resident_kb) + " kB");
}

} // namespace

Test(soak, reuse) { leaves_no_trace("reuse", 100'000, 1'000'000); }

Test(soak, rewind) { leaves_no_trace("rewind", 100'000, 1'000'000); }

Test(soak, process) { leaves_no_trace("process", 2'500, 100'000); }
