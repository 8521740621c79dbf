// SPDX-License-Identifier: Apache-2.0
// The queue of requests, and their stock.
#include "daemon/master/dispatch/fair_queue.h"
#include "tests/unit/last_words.h"

#include <criterion/criterion.h>
#include <string>

using namespace lethe;
using lethe::test::last_words;

namespace {

struct Queue {
  MonotonicClock clock;
  EventLoop loop{clock};
  Accounts accounts;
  RequestStock stock{loop};
  FairQueue queue{0};
  std::shared_ptr<Share> one = std::make_shared<Share>(accounts.of(1000)),
                         other = std::make_shared<Share>(accounts.of(1001));
  Lane lanes[4]; // the last one is another user's

  Queue() {
    for (Lane &lane : lanes)
      lane.share = &lane == &lanes[3] ? other : one;
  }
  Request &add(size_t lane, uint32_t msgid) {
    Request &request = stock.take();
    request.msgid = msgid;
    request.share = lanes[lane].share.get();
    queue.push_back(lanes[lane], request);
    return request;
  }
  // The next request, which is number `wanted`, runs for so long.
  void run(uint32_t wanted, size_t lane, int64_t took_us) {
    Request *request = queue.pop();
    cr_assert(request && request->msgid == wanted, "%u", request ? request->msgid : 0);
    queue.charge(*request, &lanes[lane], took_us);
  }
  std::string drain() {
    std::string order;
    while (Request *request = queue.pop())
      order += std::to_string(request->msgid) + " ";
    return order;
  }
};

} // namespace

Test(fair_queue, lanes_take_turns) {
  Queue q;
  for (uint32_t i = 0; i < 3; ++i)
    q.add(0, 10 + i);
  q.add(1, 20);
  q.add(2, 30);
  q.add(1, 21);
  cr_assert_eq(q.queue.size(), 6);
  cr_assert_eq(q.drain(), "10 20 30 11 21 12 ");
}

Test(fair_queue, a_lane_whose_request_ran_long_lets_the_others_catch_up) {
  Queue q;
  for (uint32_t i = 0; i < 4; ++i) {
    q.add(0, 10 + i);
    q.add(1, 20 + i);
  }
  q.run(10, 0, 2500);
  q.run(20, 1, 1000);
  q.run(21, 1, 1000);
  q.run(22, 1, 1000);
  q.run(11, 0, 1000);
  q.run(23, 1, 1000);
  cr_assert_eq(q.drain(), "12 13 ");
}

Test(fair_queue, users_take_turns_however_many_connections_they_have) {
  Queue q;
  for (uint32_t i = 0; i < 2; ++i)
    for (uint32_t lane = 0; lane < 3; ++lane)
      q.add(lane, 10 * (lane + 1) + i);
  for (uint32_t i = 0; i < 3; ++i)
    q.add(3, 40 + i);
  cr_assert_eq(q.drain(), "10 40 20 41 30 42 11 21 31 ");
}

Test(fair_queue, a_user_whose_requests_run_long_waits_for_one_whose_are_short) {
  Queue q;
  for (uint32_t i = 0; i < 3; ++i)
    q.add(i, 10 * (i + 1));
  for (uint32_t i = 0; i < 5; ++i)
    q.add(3, 40 + i);
  q.run(10, 0, 3'000'000);
  for (uint32_t i = 0; i < 5; ++i)
    q.run(40 + i, 3, 1000);
  cr_assert_eq(q.drain(), "20 30 ");
}

Test(fair_queue, what_was_taken_and_not_run_costs_nothing) {
  Queue q;
  q.add(0, 1);
  q.add(3, 4);
  Request &first = *q.queue.pop();
  q.queue.charge(first, &q.lanes[0], 0);
  q.queue.push_front(q.lanes[0], first);
  q.other->had_us = 1;
  cr_assert_eq(q.drain(), "1 4 ");
}

Test(fair_queue, a_user_who_may_not_is_passed_over) {
  Queue q;
  q.add(0, 1);
  q.add(3, 4);
  const auto but_one = [&](const Share &share) { return &share != q.one.get(); };
  cr_assert_eq(q.queue.next(but_one), q.other.get());
  cr_assert_eq(q.queue.take(*q.other).msgid, 4);
  cr_assert_eq(q.queue.next(but_one), nullptr);
  cr_assert_eq(q.drain(), "1 ");
}

Test(fair_queue, the_newest_of_a_user_is_in_the_longest_lane_be_it_blocked) {
  Queue q;
  q.add(0, 10);
  q.add(1, 20);
  q.add(1, 21);
  q.queue.block(q.lanes[1], true);
  cr_assert_eq(FairQueue::newest(*q.one)->msgid, 21);
  cr_assert_eq(FairQueue::newest(*q.other), nullptr);
  cr_assert_eq(q.one->waiting, 3);
}

Test(fair_queue, after_a_pause_there_is_no_credit_and_an_old_debt_is_forgotten) {
  RunTime rested{.had_us = 1000}, indebted{.had_us = 100'000'000};
  rested.come_back(50'000'000);
  cr_assert_eq(rested.had_us, 50'000'000);
  indebted.come_back(50'000'000);
  cr_assert_eq(indebted.had_us, 51'000'000);
}

Test(fair_queue, one_long_run_makes_not_all_look_long) {
  Queue q;
  for (int runs = 0; runs < 100; ++runs)
    q.one->ran(1000);
  q.one->ran(60'000'000);
  cr_assert(q.one->run_us < 2000, "%lld", static_cast<long long>(q.one->run_us));
  for (int runs = 0; runs < 40; ++runs)
    q.one->ran(1'000'000);
  cr_assert(q.one->run_us > 500'000, "but many do");
}

Test(fair_queue, what_comes_back_goes_first_in_its_lane) {
  Queue q;
  q.add(0, 1);
  q.add(0, 2);
  Request &first = *q.queue.pop();
  q.queue.push_front(q.lanes[0], first);
  cr_assert_eq(q.drain(), "1 2 ");
}

Test(fair_queue, a_blocked_lane_has_no_turn_until_it_is_free) {
  Queue q;
  q.add(0, 1);
  q.add(1, 2);
  q.queue.block(q.lanes[0], true);
  q.add(0, 3);
  cr_assert_eq(q.drain(), "2 ");
  cr_assert_eq(q.queue.size(), 2);
  q.queue.block(q.lanes[0], false);
  cr_assert_eq(q.drain(), "1 3 ");
}

Test(fair_queue, removal_from_the_middle) {
  Queue q;
  q.add(0, 1);
  Request &second = q.add(0, 2);
  Request &alone = q.add(1, 9);
  q.add(0, 3);
  q.queue.remove(second);
  q.queue.remove(alone);
  cr_assert_eq(q.drain(), "1 3 ");
  cr_assert(q.queue.empty());
}

Test(request_stock, uses_requests_again_and_counts_their_memory) {
  const MonotonicClock clock;
  EventLoop loop(clock);
  RequestStock stock(loop);
  Request &request = stock.take();
  Accounts accounts;
  request.held.move_to(accounts.of(1000));
  request.body.append(std::string(1'000'000, 'x'));
  request.name = request.trace = "left over" + std::string(100'000, 'x');
  request.later_steps.assign(100, std::string(1000, 'x'));
  request.count_bytes();
  cr_assert(accounts.bytes() >= 1'300'000);
  cr_assert_eq(accounts.of(1000)->bytes, accounts.bytes());
  stock.give_back(request);
  cr_assert_eq(accounts.bytes(), 0);
  cr_assert_eq(&stock.take(), &request);
  cr_assert(request.name.empty() && request.body.empty());
  cr_assert(request.name.capacity() + request.trace.capacity() + request.body.capacity() < 70'000,
            "a request in stock keeps what one of them once needed");
  cr_assert_eq(request.later_steps.capacity(), 0);
}

Test(account, what_is_held_moves_with_its_holder_and_goes_with_it) {
  Accounts accounts;
  {
    Holding holding(accounts.of(1000));
    holding.set(100);
    holding.set(40);
    holding.move_to(accounts.of(1001));
    cr_assert_eq(accounts.of(1000)->bytes, 0);
    cr_assert_eq(accounts.of(1001)->bytes, 40);
    cr_assert_eq(accounts.bytes(), 40);
  }
  cr_assert_eq(accounts.bytes(), 0);
}

Test(fair_queue, a_request_that_still_waits_is_not_given_back) {
  Queue q;
  Request &request = q.add(0, 7);
  const std::string said = last_words([&] { q.stock.give_back(request); });
  cr_assert(said.find("a request that is given back waits nowhere and no worker holds it (msgid 7, "
                      "in_lane 1, in_worker 0)") != std::string::npos,
            "%s", said.c_str());
}

Test(fair_queue, a_request_is_given_back_once_and_queued_once) {
  Queue q;
  Request &request = q.add(0, 1);
  last_words([&] { q.queue.push_back(q.lanes[1], request); });
  cr_assert_eq(q.queue.pop(), &request);
  last_words([&] { q.queue.remove(request); });
  q.stock.give_back(request);
  last_words([&] { q.stock.give_back(request); });
  last_words([] { Holding().set(1); });
}

Test(list, what_is_not_linked_is_not_removed_and_what_is_linked_is_not_inserted) {
  struct Element : ListHook {
  } one, other;
  List<Element> list, another;
  list.push_back(one);
  last_words([&] { list.push_back(one); });
  last_words([&] { another.push_front(one); });
  last_words([&] { list.remove(other); });
  list.remove(one);
  last_words([&] { list.remove(one); });
  another.push_back(one);
  cr_assert_eq(another.size(), 1);
  another.remove(one);
}
