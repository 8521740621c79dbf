// SPDX-License-Identifier: Apache-2.0
// V8's code runs where it was, on other pages.
#include "daemon/worker/memory/huge_libraries.h"
#include "tests/unit/worker/world.h"

#include <criterion/criterion.h>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/mman.h>

using namespace lethe::test;

namespace {

// Of this process's mappings, in kB.
size_t sum_of(const std::string &key) {
  std::ifstream smaps("/proc/self/smaps");
  size_t sum = 0;
  for (std::string line; std::getline(smaps, line);)
    if (line.starts_with(key))
      sum += std::stoul(line.substr(key.size()));
  return sum;
}

// Of the mapping that holds this address, in kB.
size_t value_at(const void *address, const std::string &key) {
  const auto wanted = reinterpret_cast<uintptr_t>(address);
  std::ifstream smaps("/proc/self/smaps");
  bool is_it = false;
  for (std::string line; std::getline(smaps, line);) {
    uintptr_t begin = 0, end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &begin, &end) == 2)
      is_it = begin <= wanted && wanted < end;
    else if (is_it && line.starts_with(key))
      return std::stoul(line.substr(key.size()));
  }
  return 0;
}

constexpr size_t huge_kb = 2 << 10;

} // namespace

Test(huge_libraries, scripts_run_and_throw_as_before) {
  World world;
  const auto run = [&] {
    return world.eval(
        "try { null.x } catch (e) { e.message + [3, 1, 2].sort() + /b+/.exec('abb') }");
  };
  const auto before = run();
  const size_t moved = lethe::move_libraries_to_huge_pages();
  cr_assert_eq(run(), before);
  constexpr int madv_collapse = 25; // Linux 6.1
  if (!std::filesystem::exists("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size") ||
      madvise(nullptr, 0, madv_collapse) != 0)
    return;
  cr_assert_gt(moved, size_t{10} << 20);
  cr_assert_gt(sum_of("ShmemPmdMapped:"), huge_kb);
  // This program is linked as the zygote is: its code, too, is mapped in one step.
  const auto *code = reinterpret_cast<const void *>(&value_at);
  cr_assert_geq(value_at(code, "ShmemPmdMapped:"), huge_kb);
}
