// SPDX-License-Identifier: Apache-2.0
// The queue of requests, and their stock.
#include "daemon/master/dispatch/request.h"
#include "tests/unit/last_words.h"

#include <criterion/criterion.h>
#include <string>

using namespace lethe;
using lethe::test::last_words;

namespace {

struct Queue {
  MonotonicClock clock;
  EventLoop loop{clock};
  RequestStock stock{loop};
  FairQueue queue;
  Lane lanes[3];

  Request &add(size_t lane, uint32_t msgid) {
    Request &request = stock.take();
    request.msgid = msgid;
    queue.push_back(lanes[lane], request);
    return request;
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
  request.body.append("12345");
  request.name = "left over";
  stock.body_changed(0, 5);
  cr_assert_eq(stock.buffered_bytes(), 5);
  stock.give_back(request);
  cr_assert_eq(stock.buffered_bytes(), 0);
  cr_assert_eq(&stock.take(), &request);
  cr_assert(request.name.empty() && request.body.empty());
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
  last_words([&] { q.stock.body_changed(1, 0); });
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
