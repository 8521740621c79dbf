// SPDX-License-Identifier: Apache-2.0
// The store of layers: what is found by which name, and by which process.
#include "daemon/worker/memory/layer_store.h"

#include <criterion/criterion.h>
#include <string>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

using lethe::FileDescriptor;
using lethe::LayerStore;

namespace {

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
  LayerStore &store = *LayerStore::create();
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
  LayerStore &store = *LayerStore::create();
  constexpr int scripts = 10'000;
  for (int i = 0; i < scripts; ++i)
    cr_assert(put(store, "acme/" + std::to_string(i), "layer " + std::to_string(i)));
  for (int i = 0; i < scripts; ++i) {
    const std::string layer = "layer " + std::to_string(i);
    cr_assert_eq(layer_of(store, "acme/" + std::to_string(i), layer.size()), layer);
  }
  size_t seen = 0;
  store.for_each([&](const LayerStore::Record &record) {
    seen += record.layer.content && record.name.starts_with("acme/");
  });
  cr_assert_eq(seen, scripts);
}

// A zygote that was given up has put what nobody knows; its parent's next one goes on behind that.
Test(layer_store, a_fork_has_what_there_was_and_its_own) {
  LayerStore &store = *LayerStore::create();
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
  LayerStore &store = *LayerStore::create();
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

// There is no way back from a record that is half there: it is refused, and all others stay.
Test(layer_store, a_full_one_says_so) {
  LayerStore &store = *LayerStore::create();
  cr_assert(put(store, "a", "abc"));
  const auto refused = store.put("b", "definition", {}, file_of("x"), size_t{1} << 37);
  cr_assert_not(refused);
  cr_assert_eq(refused.error().code, lethe::ErrorCode::memory_limit);
  cr_assert_eq(layer_of(store, "a", 3), "abc");
  LayerStore::Record record{};
  cr_assert_not(store.find("b", record));
}
