// SPDX-License-Identifier: Apache-2.0
// Settings: where they come from, what wins, and what an error says.
#include "daemon/master/operation/settings_sources.h"
#include "tests/harness/scratch_folder.h"

#include <criterion/criterion.h>
#include <filesystem>

using namespace lethe;

namespace {

struct ConfigFolder : test::ScratchFolder {
  ConfigFolder() {
    std::filesystem::create_directory(path() / "conf.d");
    sources.config_file = path() / "lethe.toml";
  }
  Settings load() {
    auto settings = load_settings(sources);
    cr_assert(settings, "%s", settings ? "" : settings.error().message.c_str());
    return std::move(*settings);
  }
  std::string error() {
    const auto settings = load_settings(sources);
    return settings ? "" : settings.error().message;
  }
  SettingsSources sources;
};

void expect_parts(const std::string &text, const std::vector<std::string> &parts) {
  for (const std::string &part : parts)
    cr_assert(text.find(part) != std::string::npos, "no \"%s\" in: %s", part.c_str(), text.c_str());
}

} // namespace

Test(settings, defaults_without_any_file) {
  ConfigFolder folder;
  const Settings settings = folder.load();
  cr_assert_eq(settings.grace_ms, 20);
  cr_assert_eq(settings.pools.at("default").deadline_ms, 3000);
  cr_assert_eq(settings.pools.size(), 1);
  cr_assert(settings.pools.at("default").worker_count() >= 4);
}

Test(settings, the_later_source_wins_and_is_named) {
  ConfigFolder folder;
  folder.file("lethe.toml", "grace_ms = 1\nmax_depth = 2\n[pool.default]\nworkers = 3\n");
  folder.file("conf.d/20.toml", "max_depth = 4\n");
  folder.file("conf.d/10.toml", "max_depth = 5\nmax_in_flight = 6\n");
  folder.file("conf.d/ignored.txt", "no toml");
  folder.sources.overrides = {{"max_in_flight", "7", "--set"},
                              {"pool.other.isolation", "reuse", "--set"}};
  const Settings settings = folder.load();
  cr_assert_eq(settings.grace_ms, 1);
  cr_assert_eq(settings.max_depth, 4);
  cr_assert_eq(settings.max_in_flight, 7);
  cr_assert_eq(settings.pools.at("default").workers, 3);
  cr_assert_eq(settings.pools.at("other").isolation, Isolation::reuse);
  expect_parts(settings.origins.at("max_depth"), {"20.toml:1"});
  expect_parts(settings.origins.at("pool.default.workers"), {"lethe.toml:4"});
  cr_assert_eq(settings.origins.at("max_in_flight"), "--set");
}

Test(settings, an_error_names_place_key_and_what_is_allowed) {
  const std::tuple<const char *, std::vector<std::string>> cases[] = {
      {"\ngrace = 1\n", {"lethe.toml:2", "grace: unknown", "grace_ms"}},
      {"grace_ms = 'soon'\n", {"lethe.toml:1", "grace_ms", "whole number from 0", "\"soon\""}},
      {"max_connections = 0\n", {"max_connections", "from 1", "not 0"}},
      {"[pool.default]\nworkers = 'many'\n", {"lethe.toml:2", "pool.default.workers", "\"auto\""}},
      {"[pool.default]\nisolation = 'none'\n", {"rewind|process|reuse"}},
      {"[pool.default]\npreload = 5\n", {"list of strings"}},
      {"[pool.default]\npreload = [5]\n", {"preload", "list of strings"}},
      {"[pool.default]\nrewind_verify = 1.5\n", {"rewind_verify", "from 0 to 1"}},
      {"[pool.default]\nworker = 5\n", {"pool.default.worker: unknown", "workers"}},
      {"[pool]\nworkers = 5\n", {"pool.workers", "pool.NAME.KEY"}},
      {"[pool.'a b']\nworkers = 5\n", {"NAME has"}},
      {"grace_ms = = 1\n", {"lethe.toml:1"}},
      {"[;\n", {"lethe.toml", "no name"}}, // an assertion of the parser's
      {"log_level = 'loud'\n", {"debug|info|warning|error"}},
  };
  for (const auto &[text, parts] : cases) {
    ConfigFolder folder;
    folder.file("lethe.toml", text);
    expect_parts(folder.error(), parts);
  }
}

Test(settings, the_largest_deadline_follows_the_pools_unless_it_is_set) {
  ConfigFolder folder;
  cr_assert_eq(folder.load().pools.at("default").max_deadline_ms, 60'000);
  cr_assert_eq(folder.load().pools.at("default").max_cpu_ms, 0);
  folder.file("lethe.toml", "[pool.default]\ndeadline_ms = 90_000\n[pool.other]\n");
  const Settings settings = folder.load();
  cr_assert_eq(settings.pools.at("default").max_deadline_ms, 90'000);
  expect_parts(settings.origins.at("pool.default.max_deadline_ms"), {"lethe.toml:2"});
  cr_assert_eq(settings.pools.at("other").max_deadline_ms, 60'000);
  folder.file("lethe.toml", "[pool.default]\ndeadline_ms = 90000\nmax_deadline_ms = 0\n");
  cr_assert_eq(folder.load().pools.at("default").max_deadline_ms, 0);
  folder.file("lethe.toml", "[pool.default]\nmax_deadline_ms = 90000\ndeadline_ms = 90000\n");
  cr_assert_eq(folder.load().pools.at("default").max_deadline_ms, 90'000);
}

Test(settings, a_pools_own_limit_above_its_largest_is_an_error_that_names_both) {
  const std::tuple<const char *, std::vector<std::string>> cases[] = {
      {"deadline_ms = 5000\nmax_deadline_ms = 4000\n",
       {"lethe.toml:3: pool.a.max_deadline_ms: must be 0 or at least pool.a.deadline_ms",
        "which is 5000 (", "lethe.toml:2), not 4000"}},
      {"max_deadline_ms = 2999\n", {"pool.a.deadline_ms, which is 3000 (default), not 2999"}},
      {"max_cpu_ms = 30\ncpu_ms = 31\n",
       {"lethe.toml:2: pool.a.max_cpu_ms", "pool.a.cpu_ms, which is 31 (", "lethe.toml:3"}},
  };
  for (const auto &[text, parts] : cases) {
    ConfigFolder folder;
    folder.file("lethe.toml", std::string("[pool.a]\n") + text);
    expect_parts(folder.error(), parts);
  }
}

Test(settings, a_file_that_was_asked_for_must_be_there) {
  ConfigFolder folder;
  folder.sources.config_file_required = true;
  expect_parts(folder.error(), {"lethe.toml"});
}

Test(settings, a_value_on_the_command_line_is_toml_or_a_string) {
  ConfigFolder folder;
  folder.sources.overrides = {{"pool.default.preload", "[\"a.js\", \"b.js\"]", "--set"},
                              {"pool.default.workers", "auto", "--set"},
                              {"socket", "/tmp/a b", "--socket"},
                              {"pool.default.rewind_verify", "0.5", "--set"}};
  const Settings settings = folder.load();
  cr_assert_eq(settings.pools.at("default").preload.size(), 2);
  cr_assert_eq(settings.socket, "/tmp/a b");
  cr_assert_eq(settings.pools.at("default").rewind_verify, 0.5);
}

Test(settings, a_reload_keeps_what_takes_a_restart) {
  ConfigFolder folder;
  folder.sources.overrides = {{"max_depth", "10", "--set"}, {"grace_ms", "10", "--set"}};
  const Settings present = folder.load();
  folder.sources.overrides = {{"max_depth", "11", "--set"},
                              {"grace_ms", "11", "--set"},
                              {"pool.new.workers", "1", "--set"}};
  Settings wanted = folder.load();
  const auto kept = keep_fixed_settings(present, wanted);
  cr_assert_eq(wanted.max_depth, 10);
  cr_assert_eq(wanted.grace_ms, 11);
  cr_assert(!wanted.pools.contains("new"));
  cr_assert_eq(kept.size(), 2);
}

Test(settings, a_zygote_is_told_what_was_set_and_a_snapshot_the_same) {
  ConfigFolder folder;
  folder.sources.overrides = {{"cache_dir", "/c", "--set"},
                              {"pool.p.preload", "[\"a.js\", \"-b.js\"]", "--set"},
                              {"pool.p.memory_mb", "64", "--set"},
                              {"pool.p.isolation", "process", "--set"},
                              {"pool.p.rewind_scan", "drop", "--set"},
                              {"pool.p.rewind_verify", "0.1", "--set"}};
  const Settings settings = folder.load();
  const ZygoteSettings told = zygote_settings(settings, "p", settings.pools.at("p"));
  cr_assert_eq(told.pool, "p");
  cr_assert_eq(told.max_depth, 256);
  cr_assert_eq(told.console_lines, 1000);
  cr_assert_eq(told.rewind_scan, ScanMethod::drop);
  const auto arguments = zygote_arguments(told);
  const auto after = [&arguments](std::string_view name) {
    std::string values;
    for (size_t i = 0; i + 1 < arguments.size(); i += 2)
      if (arguments[i] == name)
        values += "<" + arguments[i + 1] + ">";
    return values;
  };
  cr_assert_eq(after("--cache-dir"), "</c>");
  cr_assert_eq(after("--preload"), "<a.js><-b.js>");
  cr_assert_eq(after("--isolation"), "<process>");
  cr_assert_eq(after("--rewind-verify"), "<0.1>");
  cr_assert_eq(after("--import-map"), "<>", "what is empty is told");
  cr_assert_eq(after("--script-writers"), "", "it is the master's");
  const std::vector<std::string> to_build = {"--cache-dir", "/c",   "--memory-mb", "64",
                                             "--preload",   "a.js", "--preload",   "-b.js"};
  cr_assert(snapshot_arguments(told) == to_build);
}
