// SPDX-License-Identifier: Apache-2.0
// Latency and requests per second against the floor.
#include "tests/bench/measurements.h"

#include <map>

namespace lethe::bench {
namespace {

constexpr unsigned in_flight_counts[] = {1, 16, 64};

// One figure of each round.
using Rounds = std::map<std::string, std::vector<double>>;

void add_round(Rounds &rounds, const Load &load) {
  rounds["p50_us"].push_back(load.percentile(50));
  rounds["p90_us"].push_back(load.percentile(90));
  rounds["p99_us"].push_back(load.percentile(99));
  rounds["p999_us"].push_back(load.percentile(99.9));
  rounds["per_second"].push_back(load.per_second());
}

} // namespace

Floor::Floor(size_t message_bytes) {
  const std::string echo_path = folder_.path() / "echo", relay_path = folder_.path() / "relay";
  const auto start = [](const std::vector<std::string> &words, const std::string &socket) {
    auto process = std::make_unique<test::Process>(test::Command{words}, -1, -1);
    test::expect(test::becomes_true([&] { return std::filesystem::exists(socket); }),
                 words[0] + " does not start");
    return process;
  };
  const std::filesystem::path programs = test::build_folder() / "tests";
  echo_ = start({programs / "floor-echo", echo_path, std::to_string(message_bytes)}, echo_path);
  relay_ = start({programs / "floor-relay", relay_path, echo_path}, relay_path);
}

json throughput(const std::vector<Target> &targets, const std::string &request,
                const Effort &effort) {
  std::map<std::string, std::map<unsigned, Rounds>> measured;
  std::vector<std::unique_ptr<LoadClient>> clients;
  for (const Target &target : targets)
    clients.push_back(std::make_unique<LoadClient>(target.socket_path));
  for (const auto &client : clients) // warm
    client->run({request}, 16, effort.slice / 4);
  for (int round = 0; round < effort.rounds; ++round)
    for (const unsigned in_flight : in_flight_counts)
      for (size_t i = 0; i < targets.size(); ++i)
        add_round(measured[targets[i].name][in_flight],
                  clients[i]->run({request}, in_flight, effort.slice));

  json result = json::object();
  for (const auto &[name, counts] : measured)
    for (const auto &[in_flight, rounds] : counts) {
      json &figures = result[name][std::to_string(in_flight)];
      for (const auto &[figure, values] : rounds)
        figures[figure] = median(values);
      // Of each round with the floor's of the same round.
      if (const auto floor = measured.find("floor"); floor != measured.end()) {
        const Rounds &of_floor = floor->second.at(in_flight);
        std::vector<double> latency, rate;
        for (size_t round = 0; round < rounds.at("p50_us").size(); ++round) {
          latency.push_back(rounds.at("p50_us")[round] / of_floor.at("p50_us")[round]);
          rate.push_back(rounds.at("per_second")[round] / of_floor.at("per_second")[round]);
        }
        figures["p50_to_floor"] = median(latency);
        figures["per_second_to_floor"] = median(rate);
      }
    }
  return result;
}

} // namespace lethe::bench
