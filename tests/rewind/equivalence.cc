// SPDX-License-Identifier: Apache-2.0
// A program gives the same result, error and stack under rewind as in a process of its own:
// hundreds of generated ones, and libraries that others wrote.
#include "tests/harness/daemon.h"
#include "tests/rewind/sources.h"

#include <algorithm>
#include <criterion/criterion.h>
#include <cstdlib>
#include <deque>
#include <numeric>
#include <random>

using namespace lethe::test;

TestSuite(equivalence, .timeout = 3600);

namespace {

struct Request {
  std::string method;
  json params;
};

// LETHE_REWIND_PROGRAMS: how many are generated.
unsigned program_count() {
  const char *count = std::getenv("LETHE_REWIND_PROGRAMS");
  return count ? static_cast<unsigned>(std::stoul(count)) : 300;
}

DaemonOptions with_isolation(const std::string &isolation, std::vector<std::string> more = {}) {
  more.push_back("pool.default.isolation=" + isolation);
  return {.settings = std::move(more)};
}

// The replies in the order of `requests`, which are sent in another: `order` holds their indices.
std::vector<Reply> replies_to(Client &client, const std::vector<Request> &requests,
                              const std::vector<size_t> &order) {
  std::vector<Reply> replies(requests.size());
  std::deque<std::pair<uint32_t, size_t>> running;
  const auto finish_one = [&] {
    replies[running.front().second] = client.wait(running.front().first);
    running.pop_front();
  };
  for (const size_t index : order) {
    running.emplace_back(client.start(requests[index].method, requests[index].params), index);
    if (running.size() == 8)
      finish_one();
  }
  while (!running.empty())
    finish_one();
  return replies;
}

std::vector<size_t> in_order(size_t count) {
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  return order;
}

std::vector<size_t> shuffled(size_t count, uint32_t seed) {
  std::vector<size_t> order = in_order(count);
  std::shuffle(order.begin(), order.end(), std::mt19937(seed));
  return order;
}

void expect_same(const std::vector<Request> &requests, const std::vector<Reply> &wanted,
                 const std::vector<Reply> &replies, const std::string &which) {
  size_t different = 0;
  std::string first;
  for (size_t i = 0; i < requests.size(); ++i)
    if (wanted[i].error_bytes != replies[i].error_bytes ||
        wanted[i].result_bytes != replies[i].result_bytes) {
      if (different++ == 0)
        first = requests[i].params.dump().substr(0, 4000) +
                "\n  under process: " + shown(wanted[i]) + "\n  " + which + ": " +
                shown(replies[i]);
    }
  expect(different == 0, std::to_string(different) + " of " + std::to_string(requests.size()) +
                             " differ, " + which + "; the first: " + first);
}

// Runs all in processes of their own, then under rewind: in order, and twice in other orders.
void same_as_in_a_process(const std::function<std::vector<Request>(Client &)> &prepare,
                          const std::vector<std::string> &settings) {
  std::vector<Request> requests;
  std::vector<Reply> wanted;
  {
    Daemon daemon(with_isolation("process", settings));
    Client client = daemon.connect();
    requests = prepare(client);
    wanted = replies_to(client, requests, in_order(requests.size()));
  }
  size_t failed = 0;
  for (const Reply &reply : wanted) {
    if (!reply.failed())
      continue;
    ++failed;
    const json code = reply.error()["code"];
    expect(code == "script_error" || code == "compile_error" || code == "invalid_value",
           "a program ends in " + shown(reply));
  }
  cr_log_info("%zu programs, %zu of them end in an error", requests.size(), failed);
  expect(failed < requests.size() / 2, "most programs fail");

  Daemon daemon(with_isolation("rewind", settings));
  Client client = daemon.connect();
  prepare(client);
  expect_same(requests, wanted, replies_to(client, requests, in_order(requests.size())),
              "under rewind");
  for (const uint32_t seed : {1u, 2u})
    expect_same(requests, wanted, replies_to(client, requests, shuffled(requests.size(), seed)),
                "under rewind, shuffled");
}

} // namespace

Test(equivalence, of_generated_programs) {
  same_as_in_a_process(
      [](Client &client) {
        client.put("counter", "export let n = 0; export const up = () => ++n;", {{"module", true}});
        client.put("runner", "function run(source) { return (0, eval)(source); }");
        client.put("programs", javascript("programs.js") +
                                   "const programs = (from, count) => Array.from({ length: count },"
                                   " (_, i) => program(from + i));");
        std::vector<Request> requests;
        for (unsigned from = 0; requests.size() < program_count(); from += 50)
          for (const json &program : client.call("programs", "programs", {from, 50}))
            // In turn: in eval's context and in a resident script's.
            if (requests.size() % 2 == 0)
              requests.push_back({"eval", {program}});
            else
              requests.push_back({"call", {"runner", "run", {program}}});
        return requests;
      },
      {});
}

Test(equivalence, of_libraries_from_npm) {
  same_as_in_a_process(
      [](Client &client) {
        client.put("cases", javascript("library_cases.js"));
        std::vector<Request> requests;
        for (int number = 0, count = client.call("cases", "count"); number < count; ++number)
          for (int time = 0; time < 3; ++time)
            requests.push_back({"call", {"cases", "run", {number}}});
        return requests;
      },
      {"pool.default.preload=[\"" + (build_folder() / "npm" / "libraries.js").string() + "\"]"});
}
