// SPDX-License-Identifier: Apache-2.0
// Native code in a worker says what it likes on its channel: a lie about anything but its own
// request breaks the protocol, which is its end, and nobody else's answer is ever touched.
#include "tests/attack/attacker.h"

#include <criterion/criterion.h>
#include <sys/syscall.h>

using namespace lethe;
using namespace lethe::test;

TestSuite(channel, .timeout = 60);

namespace {

const std::string one = to_bytes(1), forged = to_bytes("forged");

json done(std::string_view result = forged) { return frame(message::Done{0, result}); }

struct Lie {
  std::vector<json> frames;
  std::string body = "frames.forEach((one) => say(one)); loop();";
  json options = json::object();
};

// What the worker says breaks the protocol: its request hears of that, and it is killed.
void each_breaks_the_protocol(const std::vector<Lie> &lies) {
  Attack attack;
  for (const Lie &lie : lies)
    expect_members(
        attack.error(lie.body, lie.frames, lie.options),
        {{"code", "internal"}, {"message", "the worker broke the protocol and was killed"}});
  attack.expect_over();
  expect_equal(attack.stats()["protocol_breaks"], lies.size());
}

const std::string say_it_of_the_next = "say(frames[0], 1); loop();";

size_t resident_kb(Attack &attack) {
  return process_figure(attack.daemon().pid(), "status", "VmRSS");
}

} // namespace

Test(channel, an_answer_to_a_request_that_it_does_not_run) {
  each_breaks_the_protocol(
      {{{done()}, say_it_of_the_next}, {{done()}, "say(frames[0], -1); loop();"}});
}

// Its own request has its one answer, and the lie is the end of the worker alone.
Test(channel, a_second_answer_to_its_own_request) {
  for (const char *isolation : {"rewind", "process", "reuse"}) {
    Attack attack({"pool.default.isolation=" + std::string(isolation)});
    expect_equal(attack.result("say(frames[0]); say(frames[0]); loop();", {done()}), "forged");
    attack.expect_over();
    expect_equal(attack.stats()["protocol_breaks"], 1);
  }
}

Test(channel, an_answer_ahead_of_what_it_will_be_given) {
  Attack attack({"pool.default.isolation=process"});
  expect_equal(
      attack.result("say(frames[0]); say(frames[0], 1); say(frames[0], 2); loop();", {done()}),
      "forged");
  attack.expect_over();
}

Test(channel, a_result_that_is_no_value) {
  const std::string deep = std::string(100'000, '\x91') + one;
  each_breaks_the_protocol({{{done("\xc1")}},
                            {{done("\x92\x01")}},
                            {{done("")}},
                            {{done(one + one)}},
                            {{done("\xa2\xff\xfe")}},
                            {{done(deep)}}});
}

Test(channel, an_error_that_is_none) {
  std::vector<Lie> lies;
  for (const json &error : {json(1), json::object(), json{{"code", "internal"}},
                            json{{"message", "no code"}}, json{{"code", 1}, {"message", 2}}}) {
    const std::string bytes = to_bytes(error);
    lies.push_back({{frame(message::Failed{0, bytes})}});
  }
  each_breaks_the_protocol(lies);
}

Test(channel, console_lines_that_are_none) {
  const std::string long_level(20, 'x');
  each_breaks_the_protocol({{{frame(message::Console{"fatal", "x"})}},
                            {{frame(message::Console{long_level, "x"})}},
                            {{frame(message::Console{"log", "\xff\xfe"})}},
                            {{frame(message::Console{"log", "x"})}, say_it_of_the_next}});
}

Test(channel, figures_that_nobody_asked_for_or_that_are_none) {
  const json figures = frame(message::RunStats{1, 2, 3, 4}),
             none = frame(message::RunStats{-1, 2, 3, 4});
  Lie twice{.frames = {figures, figures}}, wrong{.frames = {none}};
  twice.options = wrong.options = {{"stats", true}};
  each_breaks_the_protocol({{{figures}}, twice, wrong});
}

Test(channel, calls_to_a_client_that_are_none_or_not_its_own) {
  const std::string arguments = to_bytes(json::array()), long_name(256, 'x');
  each_breaks_the_protocol({{{frame(message::HostCall{1, long_name, arguments})}},
                            {{frame(message::HostCall{1, "x", one})}},
                            {{frame(message::HostCall{1, "\xff", arguments})}},
                            {{frame(message::HostCall{1, "x", arguments})}, say_it_of_the_next}});
}

Test(channel, messages_that_are_not_a_workers) {
  std::vector<Lie> lies{{{frame_of(0, one)}}, {{frame_of(9999, one)}}};
  for (const MessageType type :
       {MessageType::run, MessageType::host_reply, MessageType::fork, MessageType::ready,
        MessageType::exited, MessageType::worker_forked, MessageType::debug_output})
    lies.push_back({{frame_of(static_cast<uint16_t>(type), one)}});
  each_breaks_the_protocol(lies);
}

// The head is judged before the body has come: nothing is reserved, nor waited for.
Test(channel, heads_of_what_can_not_be) {
  constexpr auto type = static_cast<uint16_t>(MessageType::done);
  each_breaks_the_protocol({{{head_of(type, UINT32_MAX)}}, {{frame_of(type, one, 1)}}});
}

Test(channel, bytes_that_are_no_frame) {
  each_breaks_the_protocol({{{}, "send(new Uint8Array(4096).fill(255)); loop();"}});
}

// The rest never comes: its deadline is as that of any request.
Test(channel, half_a_frame) {
  for (const char *waits : {"loop()", "deafen(); sleep()"}) {
    Attack attack;
    const auto begin = Clock::now();
    expect_members(attack.error("send(frames[0].subarray(0, 7)); " + std::string(waits) + ";",
                                {done()}, {{"deadline_ms", 200}}),
                   {{"code", "deadline_exceeded"}, {"phase", "running"}});
    expect(milliseconds_since(begin) < 2000, "its deadline does not hold");
    attack.expect_over();
  }
}

// What is beyond the limits of a request is dropped, and held by nobody.
Test(channel, a_flood_of_console_lines) {
  for (const bool is_heard : {true, false}) {
    Attack attack;
    const size_t before_kb = resident_kb(attack);
    const json line = frame(message::Console{"log", std::string(4096, 'x')});
    const json error = attack.error("deafen(); for (;;) say(frames[0]);", {line},
                                    {{"deadline_ms", 1000}, {"console", is_heard}});
    expect_equal(error["code"], "deadline_exceeded");
    attack.expect_over();
    expect(resident_kb(attack) < before_kb + 64 * 1024, "the master keeps what nobody reads");
    expect(attack.stats()["console_dropped"] > 100, "nothing was dropped");
    expect(attack.daemon().log().size() < size_t{8} << 20, "the log takes it all");
  }
}

// A client answers as it likes, and its script does not read. (Those of JavaScript wait.)
Test(channel, a_flood_of_calls_to_its_client) {
  Attack attack;
  const size_t before_kb = resident_kb(attack);
  const json call = frame(message::HostCall{7, "here", to_bytes(json::array())});
  attack.client().on_host_call = [&](uint32_t, const std::string &, const json &) {
    return nullptr;
  };
  const uint32_t running = attack.client().start(
      "eval", {"for (;;) { const bytes = frames[0]; "
               "new DataView(bytes.buffer, bytes.byteOffset).setUint32(8, new DataView(attack.peek("
               "attack.facts().page + 4, 4).buffer).getUint32(0, true), true); attack.syscall(" +
                   std::to_string(SYS_write) + ", attack.facts().channel, bytes, bytes.length); }",
               {{"globals", {{"frames", {call}}}}, {"deadline_ms", 1500}}});
  const Reply reply = attack.client().wait(running);
  expect(reply.failed(), "it ends well");
  expect(resident_kb(attack) < before_kb + 128 * 1024, "the master keeps what nobody reads");
}

Test(channel, a_flood_of_large_frames) {
  Attack attack;
  const size_t before_kb = resident_kb(attack);
  // One megabyte each, and nothing is kept of them.
  const json error = attack.error(
      "deafen(); const large = new Uint8Array(frames[0].length + (1 << 20) - 16).fill(120);"
      "large.set(frames[0]); for (;;) say(large);",
      {[] {
        const auto body = frame(message::Console{"log", std::string((1 << 20) - 16, 'x')});
        json head = json::binary({body.get_binary().begin(), body.get_binary().begin() + 24});
        return head;
      }()},
      {{"deadline_ms", 1000}});
  expect(error["code"] == "deadline_exceeded" || error["code"] == "internal", shown(error));
  attack.expect_over();
  expect(resident_kb(attack) < before_kb + 128 * 1024, "the master keeps what nobody reads");
}
