// SPDX-License-Identifier: Apache-2.0
// lethe top: pools and workers, again and again.
#include "client/command/command_line.h"
#include "client/command/report.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <map>
#include <optional>
#include <sys/ioctl.h>
#include <thread>
#include <unistd.h>

namespace lethe::command {
namespace {

using Clock = std::chrono::steady_clock;

// Counters of the time before, for rates.
class Rates {
public:
  // Counts of `name` for each second since the last begin(); "-" the first time.
  std::string of(const std::string &name, int64_t count) {
    const auto before = before_.find(name);
    now_[name] = count;
    if (before == before_.end() || seconds_ <= 0)
      return "-";
    return std::to_string(std::llround(static_cast<double>(count - before->second) / seconds_));
  }
  void begin() {
    const auto time = Clock::now();
    seconds_ = std::chrono::duration<double>(time - since_).count();
    since_ = time;
    before_ = std::exchange(now_, {});
  }

private:
  std::map<std::string, int64_t> before_, now_;
  Clock::time_point since_ = Clock::now();
  double seconds_ = 0;
};

int64_t number(Value map, const char *key) { return map[key].int64().value_or(0); }

std::string age(int64_t seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", static_cast<long>(seconds / 3600),
                static_cast<long>(seconds / 60 % 60), static_cast<long>(seconds % 60));
  return text;
}

std::string screen(Value stats, Rates &rates) {
  using Rows = std::vector<std::vector<std::string>>;
  rates.begin();
  const auto counted = [&](const char *key) { return rates.of(key, number(stats, key)); };
  std::string text = "lethed " + as_text(stats["pid"]) + ", up " + age(number(stats, "uptime_s")) +
                     "; connections " + as_text(stats["connections"]) + ", in flight " +
                     as_text(stats["in_flight"]) + "; requests " + as_text(stats["requests"]) +
                     " (" + counted("requests") + "/s), errors " + as_text(stats["errors"]) + " (" +
                     counted("errors") + "/s), kills " + as_text(stats["kills"]) + "\n\n";
  Rows pools{{"POOL", "ISOLATION", "MODE", "GENERATION", "SCRIPTS", "WORKERS", "IDLE", "RUNNING",
              "DEBUGGING", "QUEUED"}};
  Rows workers{{"POOL", "WORKER", "PID", "GENERATION", "STATE", "SERVED", "/S", "RUN µs", "REWINDS",
                "REWIND µs", "AGE"}};
  stats["pools"].for_each([&](Value key, Value pool) {
    const std::string name = as_text(key);
    auto &row = pools.emplace_back(std::vector{name});
    for (const char *column : {"isolation_in_force", "mode", "generation", "scripts", "workers",
                               "idle", "running", "debugging", "queued"})
      row.push_back(as_text(pool[column]));
    Rows busy;
    pool["processes"].for_each([&](Value, Value worker) {
      const std::string id = as_text(worker["id"]);
      busy.push_back({name, id, as_text(worker["pid"]), as_text(worker["generation"]),
                      as_text(worker["state"]), as_text(worker["served"]),
                      rates.of(name + ' ' + id, number(worker, "served")),
                      as_text(worker["run_us"]), as_text(worker["rewinds"]),
                      std::to_string(number(worker, "last_rewind_ns") / 1000),
                      age(number(worker, "age_ms") / 1000)});
    });
    std::ranges::sort(busy, {}, [](const auto &cells) { return std::stoll(cells[1]); });
    workers.insert(workers.end(), busy.begin(), busy.end());
  });
  return text + as_table(pools) + '\n' + as_table(workers);
}

// As much as fits on the terminal.
std::string cut(const std::string &text) {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row == 0)
    return text;
  size_t end = 0;
  for (int line = 1; line < size.ws_row && end < text.size(); ++line)
    end = std::min(text.find('\n', end), text.size() - 1) + 1;
  return text.substr(0, end);
}

int show(Client &client, const CommandLine &line, bool once, double interval_s) {
  constexpr const char *clear = "\033[H\033[J";
  const bool on_terminal = ::isatty(STDOUT_FILENO) != 0 && !once;
  Rates rates;
  for (;;) {
    const Reply reply = administer(client, "stats");
    if (!reply)
      return report_error(reply, line.json);
    if (line.json)
      std::cout << reply.value().json() << '\n';
    else if (on_terminal)
      std::cout << clear << cut(screen(reply.value(), rates));
    else
      std::cout << screen(reply.value(), rates) << (once ? "" : "\n");
    std::cout.flush();
    if (once || !std::cout)
      return success;
    std::this_thread::sleep_for(std::chrono::duration<double>(interval_s));
  }
}

} // namespace

void add_top_command(CLI::App &app, CommandLine &line) {
  struct Arguments {
    bool once = false;
    double interval_s = 1;
  };
  const auto arguments = std::make_shared<Arguments>();
  CLI::App *top = app.add_subcommand("top", "Show pools and workers, again and again");
  top->add_flag("--once", arguments->once, "Only once");
  top->add_option("--interval", arguments->interval_s, "Time between two looks (default: 1)")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.1, 3600.0));
  add_common_options(*top, line);
  top->callback([&line, arguments] {
    line.action = [&line, arguments] {
      return with_client(line, [&](Client &client) {
        return show(client, line, arguments->once, arguments->interval_s);
      });
    };
  });
}

} // namespace lethe::command
