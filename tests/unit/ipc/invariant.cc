// SPDX-License-Identifier: Apache-2.0
// invariant(): what ends the process says where, what and with which numbers.
#include "ipc/invariant.h"
#include "ipc/channel.h"
#include "tests/unit/last_words.h"

#include <criterion/criterion.h>
#include <string>

using namespace lethe;
using namespace lethe::test;

Test(invariant, one_that_holds_says_nothing) {
  const auto [said, status] = in_a_child([] { invariant(1 + 1 == 2, "sums are right"); });
  cr_assert_eq(said, "");
  cr_assert_eq(status, 0);
}

Test(invariant, a_broken_one_ends_the_process_with_file_line_sentence_and_state) {
  const size_t sent = 3;
  const auto [said, status] = in_a_child([&] {
    invariant(sent > 4, "a worker starts only what it was sent", {"claimed", 4}, {"sent", sent});
  });
  cr_assert(aborted(status));
  cr_assert(said.starts_with("tests/unit/ipc/invariant.cc:"), "%s", said.c_str());
  cr_assert(said.ends_with(": broken invariant: a worker starts only what it was sent "
                           "(claimed 4, sent 3)\n"),
            "%s", said.c_str());
}

Test(invariant, a_long_sentence_is_cut) {
  const std::string sentence(5000, 'x');
  const auto [said, status] = in_a_child([&] { invariant(false, sentence, {"number", 1}); });
  cr_assert(aborted(status));
  cr_assert_leq(said.size(), 512U);
}

Test(invariant, a_buffer_gives_no_more_than_it_holds) {
  const auto [said, status] = in_a_child([] {
    Buffer buffer;
    buffer.append("four");
    buffer.consume(5);
  });
  cr_assert(aborted(status));
  cr_assert(said.find("(bytes 5, size 4)") != std::string::npos, "%s", said.c_str());
}

Test(invariant, no_frame_is_written_or_sent_in_the_middle_of_another) {
  for (const bool sends : {false, true}) {
    const auto [said, status] = in_a_child([sends] {
      auto pair = make_socket_pair();
      Channel channel(std::move(pair->ends[0]), Party::worker, Channel::Carries::frames, 1000);
      channel.begin(MessageType::console, 1);
      if (sends)
        channel.flush();
      else
        channel.begin(MessageType::done, 1);
    });
    cr_assert(aborted(status));
    cr_assert(said.find(sends ? "whole frames" : "one frame") != std::string::npos, "%s",
              said.c_str());
  }
}
