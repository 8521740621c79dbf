// SPDX-License-Identifier: Apache-2.0
// Which pages are copied back after each request: the policy alone, over pages of the test's own.
#include "daemon/worker/memory/hot_pages.h"

#include <criterion/criterion.h>
#include <memory>
#include <vector>

using lethe::HotPages;
using lethe::PageRange;

namespace {

constexpr size_t many = 100; // more than are copied without a look
constexpr uint64_t requests_between_surveys = 7;
constexpr uint64_t third_survey = 2 * requests_between_surveys + 1; // the first request has one

struct Pages {
  explicit Pages(size_t count = many) : memory(count * bytes, 'r'), sources(count * bytes, 's') {}

  uintptr_t address(size_t page) const {
    return reinterpret_cast<uintptr_t>(memory.data()) + page * bytes;
  }
  void make_hot(size_t page) {
    hot->add(address(page), sources.data() + page * bytes, page, HotPages::Keep::all, 0);
  }
  void make_hot_up_to(size_t count) {
    for (size_t page = 0; page < count; ++page)
      make_hot(page);
  }
  void write_all_but(size_t first_idle, size_t idle = 1) {
    for (size_t page = 0; page < memory.size() / bytes; ++page)
      if (page < first_idle || page >= first_idle + idle)
        memory[page * bytes] = 'r';
  }
  // How many surveys the page stays hot while nobody writes it.
  size_t surveys_until_dropped(size_t page) {
    size_t surveys = 0;
    while (hot->has(page)) {
      write_all_but(page);
      const bool restored = hot->restore(++request, 0, [this](PageRange range) {
        if (!range.empty())
          dropped.push_back(range);
        return true;
      });
      cr_assert(restored);
      surveys += request % requests_between_surveys == 1;
      cr_assert_lt(surveys, 1000);
    }
    return surveys;
  }
  bool are_restored() const { return memory == sources; }

  const size_t bytes = lethe::page_bytes();
  std::vector<char> memory, sources;
  std::unique_ptr<HotPages> hot = std::make_unique<HotPages>();
  std::vector<PageRange> dropped;
  uint64_t request = 1; // the first one has a survey
};

} // namespace

Test(hot_pages, every_hot_page_goes_back_after_every_request) {
  Pages pages(10);
  pages.make_hot_up_to(10);
  for (int request = 1; request <= 50; ++request) {
    pages.write_all_but(10);
    cr_assert(pages.hot->restore(static_cast<uint64_t>(request), 0,
                                 [](PageRange range) { return range.empty(); }));
    cr_assert(pages.are_restored());
  }
  cr_expect_eq(pages.hot->count(), 10, "few are never dropped");
  cr_expect_eq(pages.hot->copied(), 500);
}

Test(hot_pages, a_light_request_makes_pages_hot_and_a_heavy_one_those_that_are_known) {
  using Keep = HotPages::Keep;
  Pages pages;
  cr_expect(pages.hot->wants(5, pages.hot->keep_after(10, 1)));
  cr_expect(!pages.hot->wants(5, pages.hot->keep_after(300, 1)));
  pages.hot->note_dropped(5);
  cr_expect(pages.hot->wants(5, pages.hot->keep_after(300, 1)));
  cr_expect(!pages.hot->wants(6, pages.hot->keep_after(300, 1)));
  cr_expect(!pages.hot->wants(5, pages.hot->keep_after(10'000, 1)));
  // What was dropped long ago is as if it had never been written.
  for (uint64_t scan = 1; scan < 64; ++scan)
    pages.hot->forget_now_and_then(scan, many);
  cr_expect(pages.hot->wants(5, Keep::known));
  pages.hot->forget_now_and_then(64, many);
  cr_expect(!pages.hot->wants(5, Keep::known));
}

Test(hot_pages, a_page_that_nobody_writes_is_dropped_later_each_time) {
  Pages pages;
  pages.make_hot_up_to(many);
  for (const size_t patience : {2, 5, 36, 36}) {
    cr_expect_eq(pages.surveys_until_dropped(50), patience);
    cr_assert_eq(pages.dropped.size(), 1);
    cr_expect_eq(pages.dropped[0].begin, pages.address(50));
    cr_expect_eq(pages.dropped[0].bytes(), pages.bytes);
    pages.dropped.clear();
    pages.memory[50 * pages.bytes] = 'r';
    pages.make_hot(50); // written again
  }
}

Test(hot_pages, a_write_between_two_surveys_is_seen_and_starts_the_count_anew) {
  Pages pages;
  pages.make_hot_up_to(many);
  const auto nothing = [](PageRange range) { return range.empty(); };
  for (uint64_t request = 1; request <= 10 * requests_between_surveys; ++request) {
    // Every other survey finds page 50 unchanged.
    pages.write_all_but(request / requests_between_surveys % 2 == 0 ? many : 50);
    cr_assert(pages.hot->restore(request, 0, nothing), "a page was dropped that is used");
  }
}

Test(hot_pages, a_survey_counts_what_the_request_has_changed) {
  Pages pages;
  pages.make_hot_up_to(many);
  const auto restore = [&](uint64_t request) {
    pages.hot->restore(request, 0, [](PageRange) { return true; });
  };
  restore(requests_between_surveys); // all are copied unseen
  cr_expect_eq(pages.hot->surveys(), 0);
  pages.write_all_but(20, 30);
  restore(requests_between_surveys + 1);
  cr_expect_eq(pages.hot->surveys(), 1);
  cr_expect_eq(pages.hot->changed(), many - 30);
}

Test(hot_pages, adjoining_idle_pages_are_dropped_at_once) {
  Pages pages;
  pages.make_hot_up_to(many);
  for (uint64_t request = 1; request <= third_survey; ++request) {
    pages.write_all_but(20, 5);
    pages.hot->restore(request, 0, [&](PageRange range) {
      if (!range.empty())
        pages.dropped.push_back(range);
      return true;
    });
  }
  cr_assert_eq(pages.dropped.size(), 1);
  cr_expect_eq(pages.dropped[0].begin, pages.address(20));
  cr_expect_eq(pages.dropped[0].bytes(), 5 * pages.bytes);
  cr_expect_eq(pages.hot->count(), many - 5);
}

Test(hot_pages, a_scripts_own_pages_stay_while_others_run_and_go_when_it_has_not_run_for_long) {
  Pages pages;
  pages.make_hot_up_to(many - 1);
  const size_t own = many - 1;
  constexpr uint32_t scripts = 100, first = 1;
  const auto run = [&](uint64_t request, uint32_t script) {
    pages.write_all_but(own, script == first ? 0 : 1);
    return pages.hot->restore(request, script, [](PageRange) { return true; });
  };
  pages.hot->add(pages.address(own), pages.sources.data() + own * pages.bytes, own,
                 HotPages::Keep::all, first);
  uint64_t request = 1;
  for (; request <= 50 * scripts; ++request) { // they take turns
    cr_assert(run(request, static_cast<uint32_t>(first + request % scripts)));
    cr_assert(pages.are_restored());
  }
  cr_expect(pages.hot->has(own));
  const uint64_t left = request;
  while (pages.hot->has(own) && request < left + 10'000)
    cr_assert(run(request++, first + 1));
  cr_expect_leq(request, left + 1024 + scripts + requests_between_surveys);
  cr_expect_geq(request, left + 1024 - scripts);
}

Test(hot_pages, of_what_a_script_writes_few_pages_are_its_own) {
  Pages pages;
  for (size_t page = 0; page < many; ++page)
    pages.hot->add(pages.address(page), pages.sources.data() + page * pages.bytes, page,
                   HotPages::Keep::all, 1);
  for (uint64_t request = 2; request <= 100; ++request) { // another one's, which write none of them
    pages.memory = pages.sources;
    cr_assert(pages.hot->restore(request, 2, [](PageRange) { return true; }));
  }
  cr_expect_eq(pages.hot->count(), 8);
  for (size_t page = many - 8; page < many; ++page) // now that the others have gone
    pages.hot->add(pages.address(page), pages.sources.data() + page * pages.bytes, page,
                   HotPages::Keep::all, 3);
  for (uint64_t request = 101; request <= 2000; ++request)
    cr_assert(pages.hot->restore(request, 2, [](PageRange) { return true; }));
  cr_expect_eq(pages.hot->count(), 0);
}

Test(hot_pages, no_more_become_hot_than_there_is_room_for) {
  Pages pages(1);
  size_t page = 0;
  const auto add_all = [&](HotPages::Keep keep) {
    while (pages.hot->wants(page, keep))
      pages.hot->add(pages.address(0), pages.sources.data(), page++, keep, 1);
  };
  add_all(HotPages::Keep::heavy);
  cr_expect_eq(page, HotPages::most_heavy);
  add_all(HotPages::Keep::all); // a heavy script takes no room from the others
  cr_expect_eq(page, HotPages::most_heavy + HotPages::most);
}

Test(hot_pages, what_a_heavy_script_writes_twice_in_a_row_stays_until_another_one_runs) {
  using Keep = HotPages::Keep;
  constexpr uint32_t heavy = 1, light = 2;
  Pages pages;
  uint64_t request = 1;
  const auto run = [&](uint64_t faults, uint32_t script) {
    const Keep keep = pages.hot->keep_after(faults, script);
    pages.write_all_but(many);
    for (size_t page = 0; page < many; ++page)
      if (!pages.hot->has(page) && pages.hot->wants(page, keep))
        pages.hot->add(pages.address(page), pages.sources.data() + page * pages.bytes, page, keep,
                       script);
    cr_assert(pages.hot->restore(++request, script, [&](PageRange range) {
      if (!range.empty())
        pages.dropped.push_back(range);
      return true;
    }));
    return keep;
  };
  for (int round = 0; round < 3; ++round) {
    cr_expect_eq(run(10'000, heavy), Keep::none);
    cr_expect_eq(run(10'000, heavy), Keep::heavy);
    for (int again = 0; again < 50; ++again) {
      cr_expect_eq(run(10, heavy), Keep::heavy, "what it writes besides is of the same kind");
      cr_expect_eq(pages.hot->count(), many);
      cr_expect(pages.are_restored());
    }
    cr_expect(pages.dropped.empty());
    run(300, light);
    cr_expect_eq(pages.hot->count(), 0);
    cr_assert_eq(pages.dropped.size(), 1);
    cr_expect_eq(pages.dropped[0].bytes(), many * pages.bytes);
    pages.dropped.clear();
  }
  for (int turns = 0; turns < 10; ++turns) { // never twice in a row
    cr_expect_eq(run(10'000, heavy), Keep::none);
    cr_expect_eq(run(300, light), Keep::known);
  }
  cr_expect_eq(run(10'000, 0), Keep::none, "what does not come again");
  cr_expect_eq(run(10'000, 0), Keep::none);
  cr_expect(pages.dropped.empty());
}

Test(hot_pages, a_heavy_scripts_pages_go_soon_where_it_writes_them_no_more) {
  Pages pages;
  cr_expect_eq(pages.hot->keep_after(10'000, 1), HotPages::Keep::none);
  for (size_t page = 0; page < many; ++page)
    pages.hot->add(pages.address(page), pages.sources.data() + page * pages.bytes, page,
                   HotPages::Keep::heavy, 1);
  pages.memory = pages.sources;
  for (uint64_t request = 2; request <= 2 + 2 * requests_between_surveys; ++request)
    cr_assert(pages.hot->restore(request, 1, [](PageRange) { return true; }));
  cr_expect_eq(pages.hot->count(), 0);
}

Test(hot_pages, where_the_kernel_does_not_drop_a_page_that_is_told) {
  Pages pages;
  pages.make_hot_up_to(many);
  bool restored = true;
  for (uint64_t request = 1; restored && request <= third_survey; ++request) {
    pages.write_all_but(50);
    restored = pages.hot->restore(request, 0, [](PageRange range) { return range.empty(); });
  }
  cr_expect(!restored);
}
