// SPDX-License-Identifier: Apache-2.0
// The rewind's cost for a few kinds of requests, and the table of cost against what was touched.
#include "tests/bench/rewind.h"
#include "tests/bench/worker_figures.h"
#include "tests/harness/login.h"

#include <algorithm>

namespace lethe::bench {

using namespace lethe::test;

namespace {

constexpr const char *methods[] = {"pagemap_scan", "pagemap", "drop"};

// allocate: fresh memory; overwrite: memory that is in the checkpoint, one byte of each page.
constexpr const char *touching_script = R"(
  const resident = new Uint8Array(10 << 20).fill(1);
  const tiny = (x) => x + 1;
  function allocate(kilobytes) {
    const bytes = new Uint8Array(kilobytes << 10);
    for (let at = 0; at < bytes.length; at += 4096) bytes[at] = 1;
    return bytes.length;
  }
  function overwrite(kilobytes) {
    for (let at = 0; at < kilobytes << 10; at += 4096) resident[at] = 2;
    return kilobytes;
  }
  function fill(kilobytes) {
    const objects = [];
    while (objects.length < (kilobytes << 10) / 64) objects.push({ a: 1, b: 2, c: 3, d: 4 });
    return objects.length;
  }
)";

struct Kind {
  std::string method;
  json params;
};

Kind call(const std::string &function, const json &arguments) {
  return {"call", {"touching", function, arguments}};
}
const Kind tiny = call("tiny", {1});

DaemonOptions rewinding(const std::string &method, const std::string &state_folder = "") {
  return {.settings = {"pool.default.workers=1", "pool.default.isolation=rewind",
                       "pool.default.memory_mb=1024", "pool.default.rewind_scan=" + method},
          .state_folder = state_folder};
}

void send(Client &client, const Kind &kind, int times) {
  for (int i = 0; i < times; ++i)
    client.result(kind.method, kind.params);
}

// rewind_us of the request before this one. Microseconds, whole ones.
double send_with_stats(Client &client, const Kind &kind) {
  json params = kind.params;
  params.push_back({{"stats", true}});
  client.notifications.clear();
  client.result(kind.method, params);
  return client.notifications.at(0).params[1]["rewind_us"];
}

double percentile(std::vector<double> values, double percent) {
  std::sort(values.begin(), values.end());
  return values.at(static_cast<size_t>(percent / 100 * static_cast<double>(values.size() - 1)));
}

// Means per request over `times` requests; without the rewind's if the worker was replaced.
json means_of(Client &client, const Kind &kind, int times) {
  send(client, kind, 20); // its pages become hot
  const WorkerFigures before = worker_figures(client);
  const auto begin = Clock::now();
  send(client, kind, times);
  const double request_us = milliseconds_since(begin) * 1000 / times;
  const WorkerFigures after = worker_figures(client);
  json means{{"request_us", request_us}, {"replaced", after.worker != before.worker}};
  const auto rewinds = static_cast<double>(after.rewinds - before.rewinds);
  if (after.worker == before.worker && rewinds > 0) {
    means["rewind_us"] = static_cast<double>(after.rewind_ns - before.rewind_ns) / rewinds / 1000;
    means["pages"] = static_cast<double>(after.rewind_pages - before.rewind_pages) / rewinds;
    means["faults"] = static_cast<double>(after.faults - before.faults) / times;
  }
  return means;
}

json cost_of(Client &client, const Kind &kind, int times) {
  json cost = means_of(client, kind, times);
  std::vector<double> own, right_after;
  for (int i = 0; i < times; ++i) {
    client.result(kind.method, kind.params);
    own.push_back(send_with_stats(client, tiny));
    right_after.push_back(send_with_stats(client, tiny));
  }
  cost["rewind_p50_us"] = percentile(own, 50);
  cost["rewind_p99_us"] = percentile(own, 99);
  cost["tiny_right_after_us"] = percentile(right_after, 50);
  return cost;
}

json &row_of(json &rows, const json &name) {
  for (json &row : rows)
    if (row["row"] == name)
      return row;
  rows.push_back({{"row", name}});
  return rows.back();
}

void add_touched_memory(json &rows, const std::string &method, const Effort &effort) {
  const Daemon daemon(rewinding(method));
  Client client = daemon.connect();
  client.put("touching", touching_script);
  for (const int kilobytes : {0, 100, 1024, 10240, 102400}) {
    const int times = std::max(effort.repetitions * 100 / (1 + kilobytes / 100), 3);
    row_of(rows, {"kB allocated", kilobytes})[method] =
        means_of(client, call("allocate", {kilobytes}), times);
    if (kilobytes > 0 && kilobytes <= 10240)
      row_of(rows, {"kB overwritten", kilobytes})[method] =
          means_of(client, call("overwrite", {kilobytes}), times);
  }
}

// Scripts are stored by a daemon that makes no checkpoints, and found at the start of the others.
void add_resident_scripts(json &rows, int scripts, const Effort &effort) {
  const ScratchFolder state;
  {
    const Daemon daemon(
        DaemonOptions{.settings = {"pool.default.workers=1", "pool.default.isolation=process",
                                   "pool.default.memory_mb=1024"},
                      .state_folder = state.path()});
    Client client = daemon.connect();
    for (int i = 0; i < scripts; ++i)
      client.put(i == 0 ? "touching" : "other/" + std::to_string(i),
                 "const table = Array.from({ length: 100 }, (_, i) => ({ i }));"
                 "const tiny = (x) => x + 1;");
  }
  for (const char *method : methods) {
    const Daemon daemon(rewinding(method, state.path()));
    Client client = daemon.connect();
    row_of(rows, {"resident scripts", scripts})[method] =
        means_of(client, tiny, effort.repetitions * 100);
  }
}

} // namespace

json rewind_cost(const Effort &effort) {
  const Daemon daemon(rewinding("auto"));
  Client client = daemon.connect();
  client.put("touching", touching_script);
  put_login_scripts(client, login_warm_ups);
  const int times = effort.repetitions * 25;
  return {{"tiny", cost_of(client, tiny, times)},
          {"login", cost_of(client, {"chain", login_chain("large")}, times)},
          {"10 MB allocated", cost_of(client, call("allocate", {10240}), times / 5)},
          {"10 MB overwritten", cost_of(client, call("overwrite", {10240}), times / 5)},
          {"10 MB of objects", cost_of(client, call("fill", {10240}), times / 5)}};
}

json rewind_table(const Effort &effort) {
  json rows = json::array();
  for (const char *method : methods)
    add_touched_memory(rows, method, effort);
  for (const int scripts : {1, 10, 100})
    if (scripts <= effort.repetitions * 100) // putting a hundred takes too long for a quick run
      add_resident_scripts(rows, scripts, effort);
  return rows;
}

} // namespace lethe::bench
