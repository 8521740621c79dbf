// SPDX-License-Identifier: Apache-2.0
// V8's code runs where it was, on other pages.
#include "daemon/worker/huge_code.h"
#include "tests/unit/worker/world.h"

#include <criterion/criterion.h>
#include <fstream>
#include <string>

using namespace lethe::test;

Test(huge_code, scripts_run_and_throw_as_before) {
  World world;
  const auto run = [&] {
    return world.eval(
        "try { null.x } catch (e) { e.message + [3, 1, 2].sort() + /b+/.exec('abb') }");
  };
  const auto before = run();
  const lethe::PageRange moved = lethe::move_code_to_huge_pages();
  bool has_huge_pages = false;
  if (std::ifstream file("/sys/kernel/mm/transparent_hugepage/enabled"); file) {
    std::string setting;
    std::getline(file, setting);
    has_huge_pages = setting.find("[never]") == std::string::npos;
  }
  cr_assert(!has_huge_pages || !moved.empty());
  cr_assert_eq(run(), before);
}
