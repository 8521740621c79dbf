// SPDX-License-Identifier: Apache-2.0
// What a pool with many scripts costs: putting one more, memory, a start, first and later calls.
#include "tests/bench/measurements.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <random>

namespace lethe::bench {
namespace {

using namespace lethe::test;

constexpr size_t requests_in_turn = 4096; // drawn once, so that drawing is not measured

std::string name_of(size_t number) { return "acme/" + std::to_string(number); }

// A tiny function, and as much as that of other functions that are not called.
std::string source_of(size_t number, size_t bytes) {
  std::string source = "function f(x) { return x + " + std::to_string(number) + "; }\n";
  for (size_t i = 0; source.size() < bytes; ++i)
    source += "function other" + std::to_string(i) + "(list) { return list.map((item) => item * " +
              std::to_string(i) + " + 'text of " + std::to_string(number) + "'); }\n";
  return source;
}

json latencies(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto at = [&values](double part) {
    return values.at(std::min(values.size() - 1,
                              static_cast<size_t>(part * static_cast<double>(values.size()))));
  };
  return {{"p50", at(0.5)}, {"p99", at(0.99)}, {"most", values.back()}};
}

double time_ms(const std::function<void()> &action) {
  const auto begin = Clock::now();
  action();
  return milliseconds_since(begin);
}

// Together, as scripts of a release, in messages that are not too long.
double put_all(Client &client, size_t count, size_t bytes) {
  constexpr size_t most_at_once = 5000, most_bytes = size_t{8} << 20;
  return time_ms([&] {
    for (size_t next = 0; next < count;) {
      json scripts = json::array();
      for (size_t sent = 0; next < count && scripts.size() < most_at_once && sent < most_bytes;
           ++next) {
        scripts.push_back(json::array({name_of(next), source_of(next, bytes)}));
        sent += bytes;
      }
      client.result("script.put_many", json::array({scripts}));
    }
  });
}

// One after the other, each a new version.
json put_latency_ms(Client &client, size_t count, size_t bytes, int repetitions) {
  std::vector<double> values;
  for (int i = 0; i < repetitions; ++i) {
    const std::string source = source_of(0, bytes) + "// " + std::to_string(i);
    values.push_back(time_ms([&] { client.put(name_of(count - 1), source); }));
  }
  return latencies(std::move(values));
}

int64_t memory_kb(const Daemon &daemon) {
  int64_t kb = process_figure(daemon.pid(), "smaps_rollup", "Pss");
  for (const ProcessState &process : daemon.descendants())
    kb += process_figure(process.pid, "smaps_rollup", "Pss");
  return kb;
}

// One request after the other, of scripts at random. `skew` 0: each as often as the others; 1: Zipf's law.
json call_latency_us(const Daemon &daemon, size_t count, double skew,
                     std::chrono::milliseconds duration) {
  std::vector<double> weights(count);
  for (size_t i = 0; i < count; ++i)
    weights[i] = std::pow(static_cast<double>(i + 1), -skew);
  std::mt19937_64 random(1); // the same each time
  std::discrete_distribution<size_t> draw(weights.begin(), weights.end());
  std::vector<std::string> requests(requests_in_turn);
  for (std::string &request : requests)
    request = request_bytes("call", {name_of(draw(random)), "f", {1}});
  LoadClient client(daemon.socket_path());
  client.run(requests, 1, duration);
  const Load load = client.run(requests, 1, duration);
  return {{"p50", load.percentile(50)}, {"p99", load.percentile(99)}};
}

json measure(size_t count, size_t bytes, const Effort &effort) {
  const ScratchFolder state;
  const DaemonOptions options{.settings = {"max_scripts_mb=2048"}, .state_folder = state.path()};
  json row{{"scripts", count}, {"bytes", bytes}};
  {
    const Daemon daemon(options);
    Client client = daemon.connect();
    row["put_many_ms"] = put_all(client, count, bytes) / static_cast<double>(count);
    row["put_ms"] = put_latency_ms(client, count, bytes, effort.repetitions);
    daemon.idle_workers();
    row["memory_kb"] = memory_kb(daemon);
    row["uniform_us"] = call_latency_us(daemon, count, 0, effort.slice);
    row["zipf_us"] = call_latency_us(daemon, count, 1, effort.slice);
  }
  std::vector<double> starts, first_calls;
  for (int i = 0; i < std::max(effort.repetitions / 8, 1); ++i) {
    const auto begin = Clock::now();
    const Daemon daemon(options);
    Client client = daemon.connect();
    client.eval("1");
    starts.push_back(milliseconds_since(begin));
    // The last ones, which no image has.
    for (size_t number = count - 1; number + 8 > count && number < count; --number)
      first_calls.push_back(time_ms([&] { client.call(name_of(number), "f", {1}); }));
  }
  row["start_ms"] = median(starts);
  row["first_call_ms"] = latencies(std::move(first_calls));
  return row;
}

} // namespace

json many_scripts(const Effort &effort, size_t most) {
  json rows = json::array();
  for (const size_t bytes : {size_t{100}, size_t{100'000}})
    for (size_t count = 1; count <= most; count *= 10)
      if (bytes * count <= size_t{500} << 20)
        rows.push_back(measure(count, bytes, effort));
  return rows;
}

void print_many_scripts(const json &rows) {
  std::printf("\n%9s %8s %10s %17s %10s %10s %17s %19s %19s\n", "scripts", "bytes", "put_many",
              "put: p50, p99", "memory", "start", "first: p50, p99", "uniform: p50, p99",
              "Zipf: p50, p99");
  std::printf("%9s %8s %10s %17s %10s %10s %17s %19s %19s\n", "", "each", "ms each", "ms", "MB",
              "ms", "ms", "us", "us");
  for (const json &row : rows) {
    const auto figure = [&row](const char *key, const char *part) {
      return row.at(key).at(part).get<double>();
    };
    std::printf("%9zu %8zu %10.2f %8.1f %8.1f %10.1f %10.0f %8.2f %8.2f %9.0f %9.0f %9.0f %9.0f\n",
                row.at("scripts").get<size_t>(), row.at("bytes").get<size_t>(),
                row.at("put_many_ms").get<double>(), figure("put_ms", "p50"),
                figure("put_ms", "p99"), row.at("memory_kb").get<double>() / 1024,
                row.at("start_ms").get<double>(), figure("first_call_ms", "p50"),
                figure("first_call_ms", "p99"), figure("uniform_us", "p50"),
                figure("uniform_us", "p99"), figure("zipf_us", "p50"), figure("zipf_us", "p99"));
  }
  std::fflush(stdout);
}

} // namespace lethe::bench
