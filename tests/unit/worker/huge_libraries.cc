// SPDX-License-Identifier: Apache-2.0
// V8's code runs where it was, on other pages.
#include "daemon/worker/memory/huge_libraries.h"
#include "tests/unit/worker/world.h"

#include <criterion/criterion.h>
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
  cr_assert_gt(sum_of("ShmemPmdMapped:"), size_t{2} << 10);
}
