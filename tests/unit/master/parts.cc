// SPDX-License-Identifier: Apache-2.0
// Small parts of the master: lists and queues, names, options, replies, the brake.
#include "daemon/master/brake.h"
#include "daemon/master/options.h"
#include "daemon/master/request.h"
#include "daemon/master/wire.h"
#include "ipc/message_pack.h"

#include <chrono>
#include <criterion/criterion.h>
#include <string>

using namespace lethe;
using namespace std::string_literals;

namespace {

struct Queue {
  EventLoop loop;
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

std::string name_error(std::string_view name) {
  const auto checked = check_script_name(name);
  return checked ? "" : checked.error().message;
}

// MessagePack of {key: value}.
std::string one_option(std::string_view key, std::string_view raw_value) {
  Buffer out;
  Packer packer(out);
  packer.pack_map(1);
  pack_string(packer, key);
  out.append(raw_value);
  return std::string(out.view());
}

std::string option_error(std::string_view raw, bool for_eval = false) {
  const auto options = read_call_options(raw, for_eval ? RunKind::eval : RunKind::call);
  return options ? "" : options.error().message;
}

bool contains(const std::string &text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

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
  EventLoop loop;
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

Test(timer, never_fires_before_its_time) {
  EventLoop loop;
  const auto now_us = [] {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
  };
  for (int64_t delay_us = 0; delay_us < 12'000; delay_us += 237) {
    bool fired = false;
    Timer timer(loop, [&] { fired = true; });
    loop.read_clock_again();
    const int64_t begin_us = now_us();
    timer.start(delay_us);
    while (!fired)
      loop.run_round();
    cr_assert_geq(now_us() - begin_us, delay_us);
  }
}

Test(script_name, slashes_and_any_language_are_fine) {
  for (const char *name : {"a", "acme/login", "../../etc/passwd", "ä ö/€", "🙂"})
    cr_assert_eq(name_error(name), "", "%s", name);
  cr_assert_eq(name_error(std::string(255, 'n')), "");
}

Test(script_name, what_is_no_name) {
  for (const std::string &name :
       {""s, std::string(256, 'n'), "a\0b"s, "a\nb"s, "\x7f"s, "\xc2\x80"s, "\xff"s, "\xc0\xaf"s,
        "\xed\xa0\x80"s, "\xf4\x90\x80\x80"s, "\xe2\x82"s})
    cr_assert_neq(name_error(name), "");
}

Test(options, left_out_or_nil_are_the_defaults) {
  for (const std::string &raw : {""s, "\xc0"s, "\x80"s}) {
    const auto options = read_call_options(raw, RunKind::call);
    cr_assert(options);
    cr_assert_eq(options->pool, "default");
    cr_assert(!options->limits.deadline_ms && !options->console);
  }
}

Test(options, an_unknown_key_is_named) {
  cr_assert(contains(option_error(one_option("deadline", "\x05")), "deadline"));
  cr_assert(contains(option_error(one_option("globals", "\x80")), "globals"), "only for eval");
  cr_assert_eq(option_error(one_option("globals", "\x80"), true), "");
  cr_assert(!read_script_options(one_option("console", "\xc3")));
}

Test(options, a_wrong_type_or_value_is_named) {
  cr_assert(contains(option_error(one_option("deadline_ms", "\xa1x")), "deadline_ms"));
  cr_assert(contains(option_error(one_option("deadline_ms", "\x00"s)), "deadline_ms"));
  cr_assert(contains(option_error(one_option("isolation", "\xa4none")), "rewind"));
  cr_assert(contains(option_error(one_option("console", "\x01")), "true or false"));
  cr_assert(!read_script_options(one_option("warm_up", "\x91\x91\xa1"
                                                       "f")));
  cr_assert(contains(option_error("\x01"), "map"));
}

Test(options, a_whole_floating_point_number_is_a_number) {
  const auto whole = read_call_options(
      one_option("deadline_ms", "\xcb\x40\x59\x00\x00\x00\x00\x00\x00"s), RunKind::call);
  cr_assert(whole && whole->limits.deadline_ms == 100);
  cr_assert_neq(option_error(one_option("deadline_ms", "\xcb\x40\x59\x10\x00\x00\x00\x00\x00"s)),
                "");
  cr_assert_neq(option_error(one_option("deadline_ms", "\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"s)),
                "");
}

Test(wire, an_error_is_a_map_with_its_keys) {
  Buffer out;
  write_error_response(out, 7, Error(ErrorCode::too_large, "long").with("limit_bytes", int64_t{5}));
  Reader reader(out.view());
  cr_assert_eq(*reader.array(), 4);
  cr_assert_eq(*reader.integer(), 1);
  cr_assert_eq(*reader.integer(), 7);
  cr_assert_eq(*reader.map(), 3);
  cr_assert_eq(*reader.string(), "code");
  cr_assert_eq(*reader.string(), "too_large");
  cr_assert(is_one_value(out.view(), 5));
}

Test(wire, a_chains_error_gets_its_step) {
  Buffer error, out;
  write_error(error, Error(ErrorCode::script_error, "thrown"));
  cr_assert(write_raw_error_response(out, 1, error.view(), 2));
  cr_assert(is_one_value(out.view(), 5));
  cr_assert(contains(std::string(out.view()), "\xa4step\x02"));
  cr_assert(!write_raw_error_response(out, 1, "\x01", 2), "no map");
  cr_assert_eq(describe_error_map(error.view()), "script_error: thrown");
}
