// SPDX-License-Identifier: Apache-2.0
// How long the brake holds.
#include "daemon/master/loop/brake.h"

#include <criterion/criterion.h>

using namespace lethe;

Test(brake, doubles_up_to_five_seconds_and_one_success_takes_it_off) {
  Brake brake;
  cr_assert_eq(brake.delay_us(), 0);
  cr_assert_eq(brake.failed(), 10'000);
  cr_assert_eq(brake.failed(), 20'000);
  for (int i = 0; i < 100; ++i)
    brake.failed();
  cr_assert_eq(brake.delay_us(), 5'000'000);
  brake.succeeded();
  cr_assert_eq(brake.delay_us(), 0);
}

Test(brake, begins_after_the_free_failures) {
  Brake brake(2);
  cr_assert_eq(brake.failed(), 0);
  cr_assert_eq(brake.failed(), 0);
  cr_assert_eq(brake.failed(), 10'000);
  cr_assert_eq(brake.failed(), 20'000);
  brake.succeeded();
  cr_assert_eq(brake.failed(), 0);
}
