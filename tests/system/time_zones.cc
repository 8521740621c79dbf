// SPDX-License-Identifier: Apache-2.0
// Scripts have the machine's time zones, not those of the year in which ICU was built.
#include "ipc/files.h"
#include "tests/harness/daemon.h"

#include <criterion/criterion.h>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <sstream>

using namespace lethe::test;

namespace {

constexpr int64_t day = 86'400, from = 0, to = 2'208'988'800; // 1970 to 2040
constexpr int64_t step = 5 * day;

// Of the machine's tzdata: all names, and of which release they are.
struct Machine {
  Machine() {
    std::istringstream lines(*lethe::read_file("/usr/share/zoneinfo/tzdata.zi"));
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string kind, first, second;
      words >> kind >> first >> second;
      if (kind == "#" && first == "version")
        version = second;
      if (kind == "Z")
        zones.push_back(first);
      if (kind == "L")
        zones.push_back(second);
    }
  }

  std::string version;
  std::vector<std::string> zones;
};

constexpr const char *offsets = R"js(
function offsets(timeZone, from, step, to) {
  const format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
  const all = [];
  for (let time = from; time < to; time += step) {
    const [, sign, hours, minutes, seconds] = /GMT(?:([-+])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(format.format(time * 1000));
    all.push(sign ? (sign + 1) * (hours * 3600 + minutes * 60 + +(seconds ?? 0)) : 0);
  }
  return all;
}
)js";

// By the C library, which reads the machine's own files.
int64_t machines_offset(int64_t time) {
  const auto at = static_cast<time_t>(time);
  tm parts{};
  localtime_r(&at, &parts);
  return parts.tm_gmtoff;
}

void expect_machines_offsets(Client &client, const std::string &zone) {
  setenv("TZ", (":" + zone).c_str(), 1);
  tzset();
  const json scripts = client.call("zones", "offsets", {zone, from, step, to});
  int64_t time = from;
  for (const json &offset : scripts) {
    expect(offset == machines_offset(time), zone + " at " + std::to_string(time) + ": " +
                                                shown(offset) + " instead of " +
                                                std::to_string(machines_offset(time)));
    time += step;
  }
  expect(time >= to, zone);
}

// What each reader of tzdata finds there.
void write_tzdata(const ScratchFolder &folder, const std::string &version, const char *like) {
  folder.file("tzdata.zi",
              "# version " + version + "\nZ Test/Town 1 - X\nL Test/Town Test/Village\n");
  folder.file("zone.tab", "NL\t+5222+00454\tTest/Town\n");
  std::filesystem::create_directories(folder.path() / "Test");
  std::filesystem::copy_file(std::string("/usr/share/zoneinfo/") + like,
                             folder.path() / "Test" / "Town",
                             std::filesystem::copy_options::overwrite_existing);
}

} // namespace

TestSuite(time_zones, .timeout = 600);

// With LETHE_ZONES=all (make check-time-zones) each of them, else those whose files differ in kind: a
// saving that has ended or begun lately, half hours, a winter that is the exception, Ramadan, rules
// that hold for ever, a day that was left out.
Test(time_zones, agree_with_the_machines_every_five_days_from_1970_to_2040) {
  const char *wanted = std::getenv("LETHE_ZONES");
  std::vector<std::string> zones{
      "Africa/Cairo",   "Africa/Casablanca", "America/Asuncion",    "America/Mexico_City",
      "America/Nuuk",   "America/St_Johns",  "Asia/Almaty",         "Asia/Gaza",
      "Asia/Jerusalem", "Asia/Tehran",       "Australia/Lord_Howe", "Europe/Dublin",
      "Europe/Lisbon",  "Pacific/Apia",      "Pacific/Chatham",     "US/Pacific"};
  if (wanted && wanted == std::string("all"))
    zones = Machine().zones;
  Daemon daemon({"pool.default.workers=1"});
  Client client = daemon.connect();
  client.put("zones", offsets);
  for (const std::string &zone : zones)
    expect_machines_offsets(client, zone);
}

Test(time_zones, are_there_for_the_first_request_in_each_isolation) {
  for (const char *isolation : {"rewind", "reuse", "process"}) {
    Daemon daemon({"pool.default.workers=1", std::string("pool.default.isolation=") + isolation});
    Client client = daemon.connect();
    expect_equal(client.eval("new Intl.DateTimeFormat('en', { timeZone: 'America/Mexico_City', "
                             "timeZoneName: 'longOffset' }).format(Date.UTC(2026, 6, 15))"),
                 "7/14/2026, GMT-06:00");
    expect_equal(client.eval("['Europe/Dublin', 'America/New_York', 'PST'].map(timeZone => new "
                             "Date(Date.UTC(2026, 6, 15)).toLocaleDateString('en', { timeZone, "
                             "timeZoneName: 'long' }))"),
                 {"7/15/2026, Irish Standard Time", "7/14/2026, Eastern Daylight Time",
                  "7/14/2026, Pacific Daylight Time"});
  }
}

Test(time_zones, all_of_the_machines_can_be_asked_for) {
  Daemon daemon({"pool.default.workers=1"});
  Client client = daemon.connect();
  client.put("s", "function unknown(zones) { return zones.filter((timeZone) => { try { new "
                  "Intl.DateTimeFormat('en', { timeZone }); } catch { return true; } }); }");
  expect_equal(client.call("s", "unknown", {Machine().zones}), json::array());
  // Those of countries, by the names that the locale data has for them.
  expect_equal(client.eval("const zones = new Set(Intl.supportedValuesOf('timeZone')); "
                           "[zones.size > 400, ...['Asia/Calcutta', 'Europe/Oslo', "
                           "'America/Ciudad_Juarez', 'Etc/GMT+3'].map(zone => zones.has(zone))]"),
               {true, true, true, true, false});
}

Test(time_zones, ping_says_of_which_release_they_are) {
  Daemon daemon({"pool.default.workers=1"});
  expect_equal(daemon.connect().result("ping", json::array())["tzdata"], Machine().version);
}

Test(time_zones, where_the_machine_has_none_icus_own_stay) {
  const ScratchFolder cache;
  Daemon daemon(DaemonOptions{.settings = {"pool.default.workers=1"},
                              .environment = {"TZDIR=/nowhere"},
                              .cache_folder = cache.path()});
  expect(daemon.logs("time zones are those of ICU, not the machine's: open /nowhere/tzdata.zi: No "
                     "such file or directory"),
         daemon.log());
  Client client = daemon.connect();
  expect_equal(client.result("ping", json::array())["tzdata"], nullptr);
  expect_equal(client.eval("new Date(0).toLocaleString('en', { timeZone: 'Asia/Tokyo' })"),
               "1/1/1970, 9:00:00 AM");
}

Test(time_zones, a_damaged_one_leaves_icus_own) {
  const ScratchFolder tzdata, cache;
  write_tzdata(tzdata, "2999a", "Asia/Tokyo");
  std::filesystem::resize_file(tzdata.path() / "Test" / "Town", 100);
  Daemon daemon(DaemonOptions{.settings = {"pool.default.workers=1"},
                              .environment = {"TZDIR=" + tzdata.path().string()},
                              .cache_folder = cache.path()});
  expect(daemon.logs("Test/Town: it is not a TZif file of version 2 or later"), daemon.log());
  expect_equal(daemon.connect().result("ping", json::array())["tzdata"], nullptr);
}

Test(time_zones, a_reload_takes_over_those_of_a_new_release) {
  const ScratchFolder tzdata, cache;
  write_tzdata(tzdata, "2999a", "Asia/Tokyo");
  Daemon daemon(DaemonOptions{.settings = {"pool.default.workers=1"},
                              .environment = {"TZDIR=" + tzdata.path().string()},
                              .cache_folder = cache.path()});
  Client client = daemon.connect();
  const std::string hour = "new Date(0).toLocaleTimeString('en', { timeZone: 'Test/Village' })";
  expect_equal(client.eval(hour), "9:00:00 AM");
  write_tzdata(tzdata, "2999b", "Asia/Kolkata");
  client.result("reload", json::array());
  expect_equal(client.result("ping", json::array())["tzdata"], "2999b");
  expect_equal(client.eval(hour), "5:30:00 AM");
}

Test(time_zones, preload_files_have_them_too) {
  const ScratchFolder folder;
  const std::string file = folder.file(
      "preload.js", "var shown = new Date(Date.UTC(2026, 6, 15)).toLocaleString('en', { timeZone: "
                    "'America/Mexico_City', timeZoneName: 'long' });");
  Daemon daemon({"pool.default.preload=[\"" + file + "\"]"});
  expect_equal(daemon.connect().eval("shown"), "7/14/2026, 6:00:00 PM Central Standard Time");
}
