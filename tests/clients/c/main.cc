// SPDX-License-Identifier: Apache-2.0
// The cases of all clients, played with the C library.
#include "tests/clients/c/play.h"

#include <criterion/criterion.h>
#include <criterion/logging.h>
#include <cstdlib>
#include <optional>
#include <string>

using namespace lethe::test;

TestSuite(waiting, .timeout = 240);
TestSuite(dispatching, .timeout = 240);

namespace {

// The steps of a case of any part.
json steps_of(const std::string &part, const json &written) {
  if (part == "scenarios")
    return written["steps"];
  json step;
  if (part == "from_script") {
    step["eval"] = written["source"];
    if (written.contains("value"))
      step["result"] = written["value"];
  } else {
    step = {{"eval", written.value("check", "x")},
            {"options", {{"globals", {{"x", written["value"]}}}, {"deadline", 20.0}}},
            {"result", true}};
  }
  for (const char *key : {"error", "contains"})
    if (written.contains(key))
      step[key] = written[key];
  return json::array({step});
}

// Throws what has failed, and where.
void play_steps(Daemon &daemon, Way way, const json &steps) {
  Play play(daemon, way);
  for (const json &step : steps)
    try {
      play.play(step);
    } catch (const Failure &failure) {
      fail(shown(step).substr(0, 300) + "\n    " + failure.what());
    }
}

// All cases of a part, or those whose names have what $CASE says.
void play_part(const std::string &part, Way way) {
  const json cases = json::parse(read_file(source_folder() / "tests/clients/cases.json"));
  const char *wanted = std::getenv("CASE");
  DaemonOptions options{.settings = cases["settings"]};
  options.settings.emplace_back("pool.default.workers=4"); // a case has three requests in one
  std::optional<Daemon> daemon(std::in_place, options);
  std::string failed;
  for (const json &each : cases[part]) {
    const std::string name = each["name"];
    if (wanted && name.find(wanted) == std::string::npos)
      continue;
    if (const json cannot = each.value("cannot", json::object()); cannot.contains("c")) {
      cr_log_info("%s: %s", name.c_str(), cannot["c"].get<std::string>().c_str());
      continue;
    }
    try {
      play_steps(*daemon, way, steps_of(part, each));
    } catch (const Failure &failure) {
      failed += "\n  " + name + ": " + failure.what();
      daemon.emplace(options); // who knows how it was left
    }
  }
  expect(failed.empty(), "these cases failed:" + failed);
}

} // namespace

Test(waiting, from_script) { play_part("from_script", Way::waiting); }
Test(waiting, to_script) { play_part("to_script", Way::waiting); }
Test(waiting, scenarios) { play_part("scenarios", Way::waiting); }
Test(dispatching, from_script) { play_part("from_script", Way::dispatching); }
Test(dispatching, to_script) { play_part("to_script", Way::dispatching); }
Test(dispatching, scenarios) { play_part("scenarios", Way::dispatching); }
