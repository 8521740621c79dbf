// SPDX-License-Identifier: Apache-2.0
// The store of layers: what is found by which name, and by which process.
#include "daemon/worker/memory/layer_store.h"

#include <criterion/criterion.h>
#include <csignal>
#include <string>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using lethe::FileDescriptor;
using lethe::LayerStore;

namespace {

constexpr size_t most_bytes = size_t{1} << 30;

FileDescriptor file_of(const std::string &content) {
  FileDescriptor file(::memfd_create("layer", MFD_CLOEXEC));
  cr_assert_eq(::write(file.get(), content.data(), content.size()),
               static_cast<ssize_t>(content.size()));
  return file;
}

bool put(LayerStore &store, const std::string &name, const std::string &layer) {
  return static_cast<bool>(
      store.put(name, "definition of " + name, "imports of " + name, file_of(layer), layer.size()));
}

std::string layer_of(const LayerStore &store, const std::string &name, size_t bytes) {
  LayerStore::Record record{};
  return store.find(name, record) && record.layer.content ? std::string(record.layer.content, bytes)
                                                          : "none";
}

template <typename F> bool in_fork(const F &works) {
  const pid_t pid = ::fork();
  if (pid == 0)
    _exit(works() ? 0 : 1);
  int status = -1;
  return ::waitpid(pid, &status, 0) == pid && status == 0;
}

} // namespace

Test(layer_store, has_what_was_put_last) {
  LayerStore &store = *LayerStore::create(most_bytes);
  LayerStore::Record record{};
  cr_assert_not(store.find("a", record));
  cr_assert_not(store.is_used());
  cr_assert(store.define("a", "only defined"));
  cr_assert(store.find("a", record));
  cr_assert_eq(record.definition, "only defined");
  cr_assert_null(record.layer.content);

  cr_assert(put(store, "a", "12345"));
  cr_assert(put(store, "ab", "123456789"));
  cr_assert(store.is_used());
  cr_assert(store.find("a", record));
  cr_assert_eq(record.name, "a");
  cr_assert_eq(record.definition, "definition of a");
  cr_assert_eq(record.imports, "imports of a");
  cr_assert_eq(layer_of(store, "a", 5), "12345");
  cr_assert_eq(layer_of(store, "ab", 9), "123456789");

  const char *const before = record.layer.content; // who has it on goes on reading it
  cr_assert(put(store, "a", "abc"));
  cr_assert_eq(layer_of(store, "a", 3), "abc");
  cr_assert_eq(std::string(before, 5), "12345");

  cr_assert(store.remove("a"));
  cr_assert(store.find("a", record));
  cr_assert(record.definition.empty());
  cr_assert_eq(layer_of(store, "a", 3), "none");
}

Test(layer_store, keeps_thousands_apart, .timeout = 60) {
  LayerStore &store = *LayerStore::create(most_bytes);
  constexpr int scripts = 10'000;
  for (int i = 0; i < scripts; ++i)
    cr_assert(put(store, "acme/" + std::to_string(i), "layer " + std::to_string(i)));
  for (int i = 0; i < scripts; ++i) {
    const std::string layer = "layer " + std::to_string(i);
    cr_assert_eq(layer_of(store, "acme/" + std::to_string(i), layer.size()), layer);
  }
  size_t seen = 0;
  store.for_each_importer([&](const LayerStore::Record &record) {
    seen += record.layer.content && record.name.starts_with("acme/");
  });
  cr_assert_eq(seen, scripts);
}

// A zygote that was given up has put what nobody knows; its parent's next one goes on behind that.
Test(layer_store, a_fork_has_what_there_was_and_its_own) {
  LayerStore &store = *LayerStore::create(most_bytes);
  cr_assert(put(store, "old", "old"));
  cr_assert(in_fork([&] {
    return put(store, "mine", "mine") && layer_of(store, "old", 3) == "old" &&
           layer_of(store, "mine", 4) == "mine";
  }));
  cr_assert_eq(layer_of(store, "mine", 4), "none");
  cr_assert(put(store, "other", "other"));
  cr_assert_eq(layer_of(store, "old", 3), "old");
  cr_assert_eq(layer_of(store, "other", 5), "other");
}

Test(layer_store, who_runs_scripts_can_not_change_it) {
  LayerStore &store = *LayerStore::create(most_bytes);
  cr_assert(put(store, "a", "abc"));
  cr_assert(in_fork([&] {
    store.close();
    LayerStore::Record record{};
    const auto page = ::getpagesize();
    return store.find("a", record) && !put(store, "b", "b") &&
           ::mprotect(reinterpret_cast<void *>(reinterpret_cast<uintptr_t>(record.layer.content) /
                                               page * page),
                      page, PROT_READ | PROT_WRITE) != 0 &&
           errno == EACCES;
  }));
}

Test(layer_store, counts_what_it_has) {
  LayerStore &store = *LayerStore::create(10 << 20);
  const std::string large(6 << 20, 'x'), small(1 << 20, 'y');
  cr_assert(store.has_room("a", large.size()));
  cr_assert(put(store, "a", large));
  cr_assert_eq(store.layer_bytes() / (1 << 20), 6);
  cr_assert_lt(store.garbage_bytes(), 1 << 16);
  cr_assert_not(store.has_room("b", large.size()));
  cr_assert(store.has_room("a", large.size()), "in place of its own");
  cr_assert(put(store, "b", small));
  cr_assert(put(store, "a", large));
  cr_assert_eq(store.layer_bytes() / (1 << 20), 7);
  cr_assert_eq(store.garbage_bytes() / (1 << 20), 6);
  cr_assert_not(store.has_room("a", large.size()), "the one before is still there");
  store.reclaim();
  cr_assert_lt(store.garbage_bytes(), 1 << 16);
  cr_assert(store.has_room("a", large.size()));
  cr_assert_eq(layer_of(store, "a", large.size()), large);
  cr_assert_eq(layer_of(store, "b", small.size()), small);
}

Test(layer_store, unloads_a_script_and_still_knows_it) {
  LayerStore &store = *LayerStore::create(most_bytes);
  const std::string layer(4 << 20, 'x');
  cr_assert(put(store, "a", layer));
  cr_assert(put(store, "b", layer));
  store.unload("nobody");
  store.unload("a");
  store.unload("a");
  LayerStore::Record record{};
  cr_assert(store.find("a", record));
  cr_assert_eq(record.definition, "definition of a");
  cr_assert_eq(record.imports, "imports of a");
  cr_assert_null(record.layer.content);
  cr_assert_eq(store.layer_bytes() / (1 << 20), 4);
  store.reclaim();
  cr_assert_lt(store.garbage_bytes(), 1 << 16);
  cr_assert(store.find("a", record));
  cr_assert_eq(record.definition, "definition of a");
  cr_assert_eq(layer_of(store, "b", layer.size()), layer);
  cr_assert(put(store, "a", layer));
  cr_assert_eq(layer_of(store, "a", layer.size()), layer);
  cr_assert_eq(store.layer_bytes() / (1 << 20), 8);
}

Test(layer_store, many_versions_take_no_more_than_two) {
  LayerStore &store = *LayerStore::create(most_bytes);
  for (int i = 0; i < 100; ++i) {
    const std::string layer(4 << 20, static_cast<char>('a' + i % 26));
    store.reclaim();
    cr_assert(put(store, "a", layer));
    cr_assert_eq(layer_of(store, "a", layer.size()), layer);
    cr_assert_leq(store.garbage_bytes() / (1 << 20), 8);
  }
}

Test(layer_store, a_file_that_can_not_grow_is_an_error) {
  LayerStore &store = *LayerStore::create(most_bytes);
  cr_assert(put(store, "a", "abc"));
  cr_assert(in_fork([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1 << 20, 1 << 20};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const FileDescriptor layer = file_of(std::string(1 << 20, 'x'));
    const auto refused = store.put("b", "definition", {}, layer, 1 << 20);
    LayerStore::Record record{};
    return !refused && refused.error().code == lethe::ErrorCode::memory_limit &&
           !store.find("b", record) && layer_of(store, "a", 3) == "abc" &&
           put(store, "c", "small") && layer_of(store, "c", 5) == "small";
  }));
}

// There is no way back from a record that is half there: it is refused, and all others stay.
Test(layer_store, a_full_one_says_so) {
  LayerStore &store = *LayerStore::create(most_bytes);
  cr_assert(put(store, "a", "abc"));
  const auto refused = store.put("b", "definition", {}, file_of("x"), size_t{1} << 37);
  cr_assert_not(refused);
  cr_assert_eq(refused.error().code, lethe::ErrorCode::memory_limit);
  cr_assert_eq(layer_of(store, "a", 3), "abc");
  LayerStore::Record record{};
  cr_assert_not(store.find("b", record));
}
