// SPDX-License-Identifier: Apache-2.0
// Buffer: bytes come out in the order in which they went in, whatever is taken in between.
#include "ipc/buffer.h"

#include <criterion/criterion.h>
#include <string>

using lethe::Buffer;

Test(buffer, keeps_order_across_growth_and_consumption) {
  Buffer buffer;
  std::string written, read;
  for (unsigned step = 0; step < 2000; ++step) {
    const std::string piece(step * 37 % 501, static_cast<char>('a' + step % 26));
    buffer.append(piece);
    written += piece;
    const size_t taken = buffer.size() * (step % 5) / 4;
    read += buffer.view().substr(0, taken);
    buffer.consume(taken);
  }
  read += buffer.view();
  cr_assert(read == written);
}

Test(buffer, moves_its_rest_to_the_front_instead_of_growing) {
  Buffer buffer;
  buffer.append(std::string(4096, 'x'));
  buffer.consume(4000);
  const size_t before = buffer.size() + buffer.writable();
  buffer.append(std::string(2000, 'y'));
  cr_assert_eq(before, 96u);
  cr_assert(buffer.view() == std::string(96, 'x') + std::string(2000, 'y'));
  cr_assert_eq(buffer.size() + buffer.writable(), 4096u);
}

Test(buffer, gives_memory_back_only_when_empty) {
  Buffer buffer;
  buffer.append(std::string(100'000, 'x'));
  buffer.shrink(1000);
  cr_assert_eq(buffer.size(), 100'000u);
  buffer.consume(100'000);
  buffer.shrink(1000);
  cr_assert_eq(buffer.writable(), 0u);
  buffer.append("again");
  cr_assert(buffer.view() == "again");
}

Test(buffer, truncates_what_was_begun) {
  Buffer buffer;
  buffer.append("kept");
  buffer.append("dropped");
  buffer.truncate(4);
  cr_assert(buffer.view() == "kept");
}
