// SPDX-License-Identifier: Apache-2.0
// The script store: what was written is there again, what is damaged is set aside.
#include "daemon/master/scripts/script_store.h"
#include "daemon/master/scripts/request_options.h"
#include "tests/harness/scratch_folder.h"
#include "tests/unit/failing_sync.h"

#include <criterion/criterion.h>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <sys/resource.h>

using namespace lethe;
namespace fs = std::filesystem;

namespace {

struct Folder : test::ScratchFolder {
  size_t files(const char *part) const {
    size_t count = 0;
    for ([[maybe_unused]] const auto &entry : fs::directory_iterator(path() / "scripts" / part))
      ++count;
    return count;
  }
  fs::path one_file(const char *part) const {
    return fs::directory_iterator(path() / "scripts" / part)->path();
  }
};

// No file becomes longer than 1,000 bytes: that stands for a full disk.
void fill_disk() {
  signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{1000, 1000};
  setrlimit(RLIMIT_FSIZE, &limit);
}

struct Store {
  enum class Load : uint8_t { at_once, later };
  explicit Store(const Folder &folder, Load when = Load::at_once) : store(loop, reaper) {
    cr_assert(store.open(folder.path().string()));
    if (when == Load::later)
      return;
    auto loaded = store.load(damaged);
    cr_assert(loaded);
    scripts = std::move(*loaded);
  }
  // Runs the loop until the change is done; the error's message, if any.
  std::string write(const std::string &name, const std::string &source, int64_t version = 1,
                    std::string_view options = "\x80") {
    return write({script(name, source, version, options)});
  }
  std::string write(std::vector<ScriptPointer> all) {
    std::string message = "not done";
    store.write(std::move(all), [&](Result<Nothing> result) { message = text(result); });
    return wait(message);
  }
  static ScriptPointer script(const std::string &name, const std::string &source,
                              int64_t version = 1, std::string_view options = "\x80") {
    auto made = std::make_shared<Script>();
    made->pool = "default";
    made->name = name;
    made->source = source;
    cr_assert(give_options(*made, options));
    made->version = version;
    return made;
  }
  std::string remove(const std::string &name) {
    std::string message = "not done";
    store.remove("default", name, [&](Result<Nothing> result) { message = text(result); });
    return wait(message);
  }

  LinuxKernel kernel;
  ProcessBooks processes{kernel};
  MonotonicClock clock;
  EventLoop loop{clock};
  ChildReaper reaper{loop, processes, [](pid_t, int) {}, [](pid_t, std::string_view) {}};
  ScriptStore store;
  std::vector<ScriptPointer> scripts;
  std::vector<std::string> damaged;

private:
  static std::string text(const Result<Nothing> &result) {
    return result ? "" : result.error().message;
  }
  const std::string &wait(const std::string &message) {
    while (message == "not done")
      loop.run_round();
    return message;
  }
};

void flip_a_byte(const fs::path &path) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(-1, std::ios::end);
  const char last = static_cast<char>(file.get());
  file.seekp(-1, std::ios::end);
  file.put(static_cast<char>(last ^ 1));
}

} // namespace

Test(script_store, what_was_written_is_there_again) {
  const Folder folder;
  {
    Store store(folder);
    cr_assert_eq(store.write("acme/login", "function f() {}"), "");
    cr_assert_eq(store.write("../up", "2"), "");
    cr_assert_eq(store.write("acme/login", "function g() {}", 2), "");
  }
  const Store again(folder);
  cr_assert_eq(again.scripts.size(), 2);
  cr_assert(again.damaged.empty());
  for (const ScriptPointer &script : again.scripts)
    if (script->name == "acme/login") {
      cr_assert_eq(script->source, "function g() {}");
      cr_assert_eq(script->version, 2);
      cr_assert_eq(script->options, "\x80");
    }
}

Test(script_store, options_are_there_again_for_master_and_zygote) {
  // {deadline_ms: 80, module: true, source_map: "map", warm_up: [["f", []]]}
  const std::string options = "\x84\xab"
                              "deadline_ms\x50\xa6"
                              "module\xc3\xaa"
                              "source_map\xa3"
                              "map\xa7"
                              "warm_up\x91\x92\xa1"
                              "f\x90";
  const Folder folder;
  cr_assert_eq(Store(folder).write("s", "1", 1, options), "");
  const Store again(folder);
  cr_assert_eq(again.scripts.size(), 1);
  const Script &script = *again.scripts[0];
  cr_assert_eq(script.options, options);
  cr_assert_eq(script.limits.deadline_ms, 80);
  cr_assert(script.load_options.module && !script.load_options.node_globals);
  cr_assert_eq(script.load_options.source_map, "map");
  cr_assert_eq(script.load_options.warm_up, options.substr(options.size() - 5));
}

Test(script_store, sources_that_nobody_names_are_removed) {
  const Folder folder;
  Store store(folder);
  store.write("a", "same");
  store.write("b", "same");
  cr_assert_eq(folder.files("objects"), 1);
  store.write("a", "other", 2);
  cr_assert_eq(folder.files("objects"), 2);
  store.write("b", "other", 2);
  cr_assert_eq(folder.files("objects"), 1);
  store.remove("a");
  cr_assert_eq(folder.files("objects"), 1);
  store.remove("b");
  cr_assert_eq(folder.files("objects"), 0);
  cr_assert_eq(folder.files("names"), 0);
}

Test(script_store, many_are_written_together) {
  const Folder folder;
  {
    Store store(folder);
    store.write("b", "old");
    cr_assert_eq(store.write({Store::script("a", "same"), Store::script("b", "same", 2),
                              Store::script("c", "another")}),
                 "");
    cr_assert_eq(folder.files("objects"), 2);
  }
  Store again(folder);
  cr_assert_eq(again.scripts.size(), 3);
  std::map<std::string, std::string> sources;
  for (const ScriptPointer &script : again.scripts)
    sources[script->name] = script->source;
  cr_assert(sources ==
            (std::map<std::string, std::string>{{"a", "same"}, {"b", "same"}, {"c", "another"}}));
  again.write({Store::script("a", "another", 2), Store::script("b", "another", 3)});
  cr_assert_eq(folder.files("objects"), 1);
}

Test(script_store, of_many_none_is_written_where_one_can_not_be) {
  const Folder folder;
  {
    Store store(folder);
    store.write("a", "old");
    fill_disk();
    const std::string options = "\x81\xaasource_map\xda\x07\xd0" + std::string(2000, 'm');
    const std::string message =
        store.write({Store::script("a", "new", 2), Store::script("b", "new"),
                     Store::script("c", "new", 1, options)});
    cr_assert(message.find("File too large") != std::string::npos, "%s", message.c_str());
    cr_assert_eq(folder.files("names"), 1);
    cr_assert_eq(store.write("d", "one more"), "");
  }
  const Store again(folder);
  cr_assert_eq(again.scripts.size(), 2);
  for (const ScriptPointer &script : again.scripts)
    cr_assert_eq(script->source, script->name == "a" ? "old" : "one more");
  cr_assert(again.damaged.empty());
}

Test(script_store, a_removed_script_stays_removed) {
  const Folder folder;
  {
    Store store(folder);
    store.write("s", "1");
    cr_assert_eq(store.remove("s"), "");
    cr_assert_eq(store.remove("s"), "", "removing twice is no error");
  }
  cr_assert(Store(folder).scripts.empty());
}

Test(script_store, a_damaged_file_is_set_aside_and_the_rest_works) {
  for (const char *part : {"names", "objects"}) {
    const Folder folder;
    {
      Store store(folder);
      store.write("broken", "1");
      flip_a_byte(folder.one_file(part));
      store.write("whole", "2");
    }
    const Store again(folder);
    cr_assert_eq(again.scripts.size(), 1);
    cr_assert_eq(again.scripts[0]->name, "whole");
    cr_assert_eq(again.damaged.size(), 1);
    cr_assert_eq(folder.files("damaged"), 1);
  }
}

Test(script_store, leftovers_of_a_crash_are_cleared_away) {
  const Folder folder;
  Store(folder).write("s", "1");
  folder.file("scripts/names/.new-0123", "half");
  folder.file("scripts/objects/.new-0123", "half");
  const Store again(folder);
  cr_assert_eq(again.scripts.size(), 1);
  cr_assert(again.damaged.empty());
  cr_assert_eq(folder.files("names"), 1);
  cr_assert_eq(folder.files("objects"), 1);
}

Test(script_store, a_full_disk_is_told_and_the_old_script_stays) {
  const Folder folder;
  {
    Store store(folder);
    store.write("s", "old");
    fill_disk();
    const std::string message = store.write("s", std::string(5000, 'x'), 2);
    cr_assert(message.find("File too large") != std::string::npos, "%s", message.c_str());
    cr_assert_eq(folder.files("objects"), 1);
  }
  const Store again(folder);
  cr_assert_eq(again.scripts.size(), 1);
  cr_assert_eq(again.scripts[0]->source, "old");
}

Test(script_store, after_a_failure_of_the_disk_the_answer_holds) {
  const Folder folder;
  {
    Store store(folder);
    cr_assert_eq(store.write("s", "old"), "");
    test::good_syncs = 3; // source, its folder, name; not the folder of names
    cr_assert_neq(store.write("s", "new", 2), "");
    cr_assert_neq(store.write("another", "new"), "");
    test::good_syncs = 0;
    cr_assert_neq(store.remove("s"), "");
    test::good_syncs = INT_MAX;
  }
  {
    Store again(folder);
    cr_assert_eq(again.scripts.size(), 1);
    cr_assert_eq(again.scripts[0]->source, "old");
    cr_assert_eq(again.write("s", "newer", 2), "");
  }
  const Store last(folder);
  cr_assert_eq(last.scripts.size(), 1);
  cr_assert_eq(last.scripts[0]->source, "newer");
}

// Without a descriptor to spare no file can be read, and no folder be listed.
Test(script_store, what_can_not_be_read_is_not_taken_for_damaged_or_gone) {
  const Folder folder;
  {
    Store store(folder);
    store.write("a", "1");
    store.write("b", "2");
  }
  Store store(folder);
  const rlim_t free = static_cast<rlim_t>(::dup(0));
  ::close(static_cast<int>(free));
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  for (int spare = 0; spare < 2; ++spare) {
    const rlimit limit{free + static_cast<rlim_t>(spare), before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &limit);
    const auto loaded = store.store.load(store.damaged);
    setrlimit(RLIMIT_NOFILE, &before);
    if (spare == 0) {
      cr_assert(!loaded);
      cr_assert(loaded.error().message.find("Too many open files") != std::string::npos, "%s",
                loaded.error().message.c_str());
    } else {
      cr_assert(loaded && loaded->size() == 2, "one is enough");
    }
    cr_assert(store.damaged.empty());
    cr_assert_eq(folder.files("objects"), 2);
    cr_assert_eq(folder.files("names"), 2);
  }
}

// Listing works, reading does not: as a disk with a bad sector.
Test(script_store, an_unreadable_file_stays_and_is_named) {
  if (::getuid() == 0)
    cr_assert_eq(::seteuid(65534), 0); // root reads everything
  const Folder folder;
  for (const char *part : {"names", "objects"}) {
    Store(folder).write("s", "1");
    const fs::path file = folder.one_file(part);
    fs::permissions(file, fs::perms::none);
    {
      Store store(folder, Store::Load::later);
      const auto loaded = store.store.load(store.damaged);
      cr_assert(!loaded);
      cr_assert(loaded.error().message.find(file) != std::string::npos, "%s",
                loaded.error().message.c_str());
      cr_assert(fs::exists(file));
    }
    fs::permissions(file, fs::perms::owner_read);
    const Store again(folder);
    cr_assert_eq(again.scripts.size(), 1);
  }
}

Test(script_store, a_folder_without_permission_is_named) {
  LinuxKernel kernel;
  ProcessBooks processes(kernel);
  const MonotonicClock clock;
  EventLoop loop(clock);
  ChildReaper reaper(
      loop, processes, [](pid_t, int) {}, [](pid_t, std::string_view) {});
  const auto opened = ScriptStore(loop, reaper).open("/proc/no/such");
  cr_assert(!opened);
  cr_assert(opened.error().message.find("/proc/no/such") != std::string::npos);
}
