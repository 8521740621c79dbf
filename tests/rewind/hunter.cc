// SPDX-License-Identifier: Apache-2.0
// Runs scripts that try to leave something behind, and looks for what they left.
#include "tests/rewind/hunter.h"

#include <algorithm>
#include <deque>
#include <set>
#include <sstream>

namespace lethe::test {
namespace {

bool same(const Reply &one, const Reply &other) {
  return one.error_bytes == other.error_bytes && one.result_bytes == other.result_bytes;
}

// The first lines that differ of two digests.
std::string difference(const Reply &wanted, const Reply &reply) {
  if (reply.failed() || !reply.result().is_string())
    return "the digest is " + shown(reply);
  std::istringstream wanted_lines(wanted.result().get<std::string>()),
      lines(reply.result().get<std::string>());
  std::string wanted_line, line;
  while (std::getline(wanted_lines, wanted_line) && std::getline(lines, line))
    if (line != wanted_line)
      return "the digest has: " + line.substr(0, 300) +
             "\n  instead of: " + wanted_line.substr(0, 300);
  return "the digest is longer or shorter";
}

} // namespace

Hunter::Hunter(Client &client, World world, unsigned deadline_ms)
    : client_(client), world_(world), deadline_ms_(deadline_ms),
      digest_source_(javascript("digest.js")) {
  if (world_ == World::resident)
    // The digest is compiled before any request: it is taken hundreds of times.
    client_.put("victim",
                "function run(source) { return (0, eval)(source); }\n"
                "function digest() { return (" +
                    digest_source_ + ");}",
                {{"warm_up", R"([["digest", []]])"_json}});
  client_.put("leaky", "export const list = []; export let n = 0; export const up = () => ++n;",
              {{"module", true}});
  virgin_digest_ = client_.wait(start_digest());
  expect(!virgin_digest_.failed(), "the digest fails: " + shown(virgin_digest_));
}

json Hunter::options() const { return {{"stats", true}, {"deadline_ms", deadline_ms_}}; }

uint32_t Hunter::start(const std::string &source) {
  return world_ == World::eval ? client_.start("eval", {source, options()})
                               : client_.start("call", {"victim", "run", {source}, options()});
}

uint32_t Hunter::start_digest() {
  return world_ == World::eval
             ? start(digest_source_)
             : client_.start("call", {"victim", "digest", json::array(), options()});
}

std::vector<Leak> Hunter::tamperings(size_t step) {
  std::vector<Leak> leaks;
  const json all = client_.wait(start(javascript("tampering.js"))).result();
  for (size_t i = 0; i < all.size(); i += step)
    leaks.push_back({all[i][0], all[i][1]});
  return leaks;
}

const Reply &Hunter::virgin_answer(const std::string &probe) {
  if (!virgin_answers_.contains(probe))
    virgin_answers_[probe] = client_.wait(start(probe));
  return virgin_answers_[probe];
}

Hunt Hunter::hunt(const std::vector<Leak> &leaks, size_t in_flight,
                  const std::function<void()> &before) {
  for (const Leak &leak : leaks)
    if (!leak.probe.empty())
      virgin_answer(leak.probe);
  renew_workers();
  Hunt hunt;
  std::deque<Trial> running;
  for (const Leak &leak : leaks) {
    before();
    running.push_back(start_trial(leak));
    if (running.size() >= in_flight) {
      finish_trial(running.front(), hunt);
      running.pop_front();
    }
  }
  for (const Trial &trial : running)
    finish_trial(trial, hunt);
  return hunt;
}

void Hunter::renew_workers() { client_.put("next", std::to_string(++generations_)); }

Hunter::Trial Hunter::start_trial(const Leak &leak) {
  Trial trial{&leak, 0, 0, 0, 0};
  trial.first = start(leak.source);
  trial.digest = start_digest();
  trial.second = start(leak.source);
  trial.probe = start(leak.probe.empty() ? "0" : leak.probe);
  return trial;
}

void Hunter::finish_trial(const Trial &trial, Hunt &hunt) {
  const Reply first = client_.wait(trial.first), digest = client_.wait(trial.digest),
              second = client_.wait(trial.second), probe = client_.wait(trial.probe);
  std::string seen;
  if (!same(digest, virgin_digest_))
    seen = difference(virgin_digest_, digest);
  else if (!same(first, second))
    seen = "the first time: " + shown(first) + "\n  the second time: " + shown(second);
  else if (!trial.leak->probe.empty() && !same(probe, virgin_answer(trial.leak->probe)))
    seen = "the probe finds " + shown(probe) + "\n  instead of " +
           shown(virgin_answer(trial.leak->probe));
  if (!seen.empty())
    hunt.caught[trial.leak->name] = seen;

  std::set<json> workers;
  for (const Notification &notification : client_.notifications)
    if (notification.method == "stats" && notification.params[0] >= trial.first &&
        notification.params[0] <= trial.probe)
      workers.insert(notification.params[1]["worker"]);
  if (workers.size() != 1)
    hunt.unobserved.push_back(trial.leak->name);
  std::erase_if(client_.notifications, [&](const Notification &notification) {
    return notification.params[0] <= trial.probe;
  });
}

} // namespace lethe::test
