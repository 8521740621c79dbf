// SPDX-License-Identifier: Apache-2.0
// One user does the worst that the protocol allows, with 64 connections. What does another user notice?
#include "tests/bench/measurements.h"
#include "tests/harness/user.h"

#include <algorithm>
#include <csignal>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

namespace lethe::bench {
namespace {

using test::Client;
using test::Clock;
using test::milliseconds;

constexpr uid_t flooding_user = 60'001, other_user = 60'002;
constexpr size_t connections = 64;

// A connection that sends one thing again and again, and reads and forgets what comes.
class Flooder {
public:
  Flooder(const test::Daemon &daemon, std::string_view bytes, bool once)
      : client_(daemon.connect()), bytes_(bytes), once_(once) {}

  // As much as goes without waiting. False: the daemon has closed it.
  bool go_on() {
    char room[65536];
    for (int reads = 0; reads < 4; ++reads) {
      const ssize_t received = ::recv(client_.descriptor(), room, sizeof room, MSG_DONTWAIT);
      if (received == 0 || (received < 0 && errno != EAGAIN))
        return false;
      if (received < 0)
        break;
    }
    if (sent_ == bytes_.size() && !once_)
      sent_ = 0;
    sent_ += client_.send_some(bytes_.substr(sent_));
    return true;
  }

private:
  Client client_;
  std::string_view bytes_;
  bool once_;
  size_t sent_ = 0;
};

// What the connections send, in turn.
std::vector<std::string> kinds_of_bytes() {
  const auto requests = [](const std::string &method, const json &params) {
    std::string bytes;
    for (uint32_t msgid = 0; msgid < 200; ++msgid)
      bytes += test::to_bytes({0, msgid, method, params});
    return bytes;
  };
  const std::string unfinished = std::string("\x94\x00\x07\xa4"
                                             "eval\x91\xdb\x00\xff\x00\x00",
                                             14) +
                                 std::string(15 << 20, ' ');
  std::string answers =
      test::to_bytes({0,
                      1,
                      "eval",
                      {"for (let i = 0; i < 1000; ++i) host.call('x'); host.call('y').then(() => { "
                       "for (;;); })"}});
  for (uint32_t id = 1001; id > 0; --id) // the last one first: then it takes no other
    answers += test::to_bytes({1, id, nullptr, std::string(20'000, 'a')});
  return {requests("eval", {"for (;;);"}), unfinished, answers, requests("stats", json::array())};
}

// Does not return.
[[noreturn]] void flood_without_end(const test::Daemon &daemon) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::setgid(flooding_user) != 0 || ::setuid(flooding_user) != 0)
    ::_exit(1);
  const std::vector<std::string> kinds = kinds_of_bytes();
  std::vector<std::optional<Flooder>> flooders(connections);
  for (size_t number = 0;; number = (number + 1) % connections)
    try {
      auto &flooder = flooders[number];
      if (!flooder)
        flooder.emplace(daemon, kinds[number % kinds.size()], number % kinds.size() == 1);
      else if (!flooder->go_on())
        flooder.reset();              // to be connected again
    } catch (const test::Failure &) { // not connected
    }
}

// The other user's calls, one after the other.
struct Calls {
  std::vector<double> us;
  size_t failed = 0;

  double percentile(double percent) const {
    return us.at(std::min(us.size() - 1,
                          static_cast<size_t>(percent / 100 * static_cast<double>(us.size()))));
  }
};

Calls call_for(Client &client, milliseconds duration) {
  Calls calls;
  const auto end = Clock::now() + duration;
  for (auto begin = Clock::now(); begin < end; begin = Clock::now()) {
    const test::Reply reply =
        client.request("call", {"tiny", "tiny", {1}, {{"deadline_ms", flood_deadline_ms}}});
    calls.us.push_back(test::milliseconds_since(begin) * 1000);
    calls.failed += reply.failed();
  }
  std::sort(calls.us.begin(), calls.us.end());
  return calls;
}

json figures_of(const Calls &calls) {
  return {{"p50_us", calls.percentile(50)},
          {"p99_us", calls.percentile(99)},
          {"most_us", calls.us.back()},
          {"calls", calls.us.size()},
          {"failed", calls.failed}};
}

} // namespace

json flood(const Effort &effort) {
  if (!test::may_be_others())
    return nullptr;
  test::Daemon daemon(test::for_all_users({"max_buffered_mb=256"}));
  daemon.connect().put("tiny", "function tiny(x) { return x + 1; }");
  Client client = test::connect_as(other_user, daemon);
  call_for(client, effort.slice); // warm
  json figures;
  figures["idle"] = figures_of(call_for(client, effort.slice * effort.rounds));

  const pid_t flooding = ::fork();
  if (flooding == 0)
    flood_without_end(daemon);
  const Calls calls = call_for(client, 5 * effort.slice * effort.rounds);
  ::kill(flooding, SIGKILL);
  ::waitpid(flooding, nullptr, 0);
  figures["flooded"] = figures_of(calls);
  figures["stats"] = daemon.connect().result("stats", json::array());
  return figures;
}

} // namespace lethe::bench
