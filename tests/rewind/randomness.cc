// SPDX-License-Identifier: Apache-2.0
// Randomness is not rewound: no random number comes twice, whatever was forked, rewound, snapshot
// or started again in between.
#include "tests/harness/daemon.h"

#include <criterion/criterion.h>
#include <csignal>
#include <deque>
#include <set>

using namespace lethe::test;

TestSuite(randomness, .timeout = 300);

namespace {

// Whatever random source there is, as text; several draws, as a repeated state might show only in
// the second.
constexpr const char *draw = R"((function () {
  const drawn = [Math.random(), Math.random()].map(String);
  if (typeof crypto === 'object') {
    drawn.push('bytes ' + crypto.getRandomValues(new Uint8Array(16)).join());
    if (crypto.randomUUID) drawn.push('uuid ' + crypto.randomUUID());
  }
  return drawn;
})())";

// Draws `count` times and adds what came; fails at what came before.
class Drawn {
public:
  void add(Client &client, int count, bool from_script = false) {
    std::deque<uint32_t> running;
    for (int i = 0; i < count; ++i) {
      running.push_back(from_script ? client.start("call", {"dice", "draw", json::array()})
                                    : client.start("eval", {draw}));
      if (running.size() == 16)
        take(client, running);
    }
    while (!running.empty())
      take(client, running);
  }
  size_t size() const { return values_.size(); }

private:
  void take(Client &client, std::deque<uint32_t> &running) {
    const Reply reply = client.wait(running.front());
    running.pop_front();
    expect(!reply.failed(), "no random numbers: " + (reply.failed() ? shown(reply.error()) : ""));
    for (const json &value : reply.result())
      expect(values_.insert(value).second,
             value.dump() + " came twice, after " + std::to_string(values_.size()) + " values");
  }

  std::set<std::string> values_;
};

std::string dice() { return std::string("function draw() { return ") + draw + "; }"; }

void never_repeats(const std::string &isolation, int count) {
  Daemon daemon({"pool.default.workers=4", "pool.default.isolation=" + isolation});
  Drawn drawn;
  for (int round = 0; round < 3; ++round) {
    Client client = daemon.connect();
    client.put("dice", dice()); // another generation
    drawn.add(client, count);
    drawn.add(client, count, true);
    for (const pid_t worker : daemon.workers()) // other forks of the same generation
      ::kill(worker, SIGKILL);
    drawn.add(client, count);
    ::kill(daemon.zygote(), SIGKILL); // the same generation, made again
    drawn.add(client, count, true);
    daemon.stop(); // from the same snapshot
    daemon.start();
  }
  cr_log_info("%s: %zu random values, all different", isolation.c_str(), drawn.size());
}

} // namespace

Test(randomness, never_repeats_under_rewind) { never_repeats("rewind", 1000); }

Test(randomness, never_repeats_under_process) { never_repeats("process", 200); }

Test(randomness, never_repeats_under_reuse) { never_repeats("reuse", 1000); }

Test(randomness, drawn_while_a_script_is_loaded_stays_for_its_generation_only) {
  Daemon daemon({"pool.default.workers=1", "pool.default.isolation=rewind"});
  Client client = daemon.connect();
  const std::string source = "const drawn = Math.random(); function read() { return drawn; }";
  client.put("s", source);
  const json drawn = client.call("s", "read");
  for (int i = 0; i < 10; ++i)
    expect_equal(client.call("s", "read"), drawn); // as every other constant of the script
  client.put("s", source + "//");
  expect(client.call("s", "read") != drawn, "loaded twice, it drew the same");
}
