// SPDX-License-Identifier: Apache-2.0
// When a warm-up ends, and what is left to compile for requests. Each request begins with the same
// memory: here a fork of this process is a request.
#include "daemon/engine/code_events.h"
#include "daemon/engine/garbage.h"
#include "daemon/worker/scripts/generation.h"
#include "ipc/clock.h"
#include "ipc/packer.h"
#include "tests/unit/in_fork.h"
#include "tests/unit/worker/world.h"

#include <criterion/criterion.h>

using namespace lethe;
using lethe::test::in_fork;
using lethe::test::World;

namespace {

// A zygote that has loaded one script, without its process.
struct Warmed {
  // With so many times f() in the option.
  Warmed(World &world, std::string_view source, int calls, uint64_t longest_ms = 60'000)
      : isolate(world.isolate()), memory(size_t{128} << 20, arena),
        runner(isolate, scripts, memory, world.limits),
        generation(isolate, scripts, runner, memory, longest_ms * ns_per_ms) {
    Buffer warm_up;
    Packer packer(warm_up);
    packer.pack_array(static_cast<uint32_t>(calls));
    for (int i = 0; i < calls; ++i)
      warm_up.append("\x92\xa1"
                     "f\x90");
    message::ScriptToLoad script{.name = "s", .version = 1, .source = source};
    script.options.warm_up = warm_up.view();
    message::Grow grow{.generation = 1, .strict = true};
    grow.load.push_back(script);
    generation.take(grow);
    failed = generation.load([](std::string_view) {});
  }

  message::WarmedUp reached() const { return **scripts.find("s")->warmed_up(); }
  std::string call() {
    const v8::HandleScope handles(isolate);
    Buffer result;
    Runner::Waiter nobody;
    const auto failure = runner.call({"s", "f", "\x90"}, result, nobody);
    return failure ? failure->error.message : std::string(result.view());
  }
  // What V8 compiles in a request.
  bool request_compiles() {
    return !in_fork([this] {
      const uint64_t before = events.counts().all();
      call();
      return events.counts().all() == before;
    });
  }

  v8::Isolate *isolate;
  CodeEvents events{isolate};
  Arena arena{size_t{1} << 30};
  MemoryLimits memory;
  Scripts scripts;
  Runner runner;
  Generation generation;
  std::optional<Generation::Failure> failed;
};

// With 13 calls before, V8 10.2 optimises `many` in the next one.
constexpr std::string_view hashes = R"js(
  const words = 'the quick brown fox jumps over the lazy dog'.split(' ');
  function one(w, i) { let h = i; for (const c of w) h = (h * 31 + c.charCodeAt(0)) | 0; return h; }
  function many(n) {
    let s = 0;
    for (let i = 0; i < n; i++) for (const w of words) s = (s + one(w, i)) | 0;
    return s;
  }
  function f() { return many(12); }
)js";

// What `body` returns, in a process of its own.
int number_in_fork(const std::function<int()> &body) {
  int ends[2], number = -1;
  cr_assert_eq(::pipe(ends), 0);
  in_fork([&] {
    const int found = body();
    return ::write(ends[1], &found, sizeof found) == sizeof found;
  });
  cr_assert_eq(::read(ends[0], &number, sizeof number), sizeof number);
  return number;
}

} // namespace

Test(warm_up, no_request_compiles_after_a_steady_one, .timeout = 120) {
  for (const int calls : {1, 2, 3, 8, 13, 14, 300})
    cr_assert(in_fork([calls] {
                World world;
                Warmed warmed(world, hashes, calls);
                cr_assert(!warmed.failed);
                return warmed.reached().steady && !warmed.request_compiles();
              }),
              "with %d calls", calls);
}

// V8 decides in one call to optimise a function in the next. A warm-up whose rounds end between the
// two has been quiet for as long as any other.
Test(warm_up, no_request_compiles_what_the_last_round_has_made_hot, .timeout = 240) {
  constexpr std::string_view source = R"js(
    function f() { let s = 0; for (let i = 0; i < 14; ++i) s = (s * 31 + i) | 0; return s; }
  )js";
  constexpr int quiet_rounds = 100;
  World world;
  const int compiling_call = number_in_fork([&] {
    Warmed warmed(world, source, 1);
    int calls = static_cast<int>(warmed.reached().rounds);
    for (const uint64_t before = warmed.events.counts().all();
         warmed.events.counts().all() == before && calls < 5000; ++calls)
      warmed.call();
    return calls;
  });
  for (int last_call = compiling_call - 3; last_call < compiling_call + 2; ++last_call)
    cr_assert(in_fork([&] {
                Warmed warmed(world, source, last_call - quiet_rounds);
                return warmed.reached().steady && !warmed.request_compiles();
              }),
              "V8 compiles in call %d; the last one was %d", compiling_call, last_call);
}

Test(warm_up, its_calls_run_as_often_as_they_are_given_and_on) {
  World world;
  Warmed warmed(world, "let n = 0; function f() { return ++n; }", 200);
  cr_assert(!warmed.failed && warmed.reached().steady);
  cr_assert_gt(warmed.reached().rounds, 100);
  Buffer expected; // a round is one call: the first of the 200 is of the first round
  Packer(expected).pack_int64(200 + warmed.reached().rounds);
  cr_assert_eq(warmed.call(), std::string(expected.view()));
}

Test(warm_up, code_of_functions_that_each_call_makes_anew_stays) {
  World world;
  Warmed warmed(world, R"js(
    const list = Array.from({length: 400}, (_, i) => i);
    function f() {
      let sum = 0;
      const add = (x) => { for (let i = 0; i < 20; ++i) sum = (sum * 31 + x * i) | 0; };
      list.forEach(add);
      return sum;
    }
  )js",
                3);
  cr_assert(warmed.reached().steady);
  collect_young_garbage(warmed.isolate);
  cr_assert(!warmed.request_compiles());
}

Test(warm_up, ends_where_each_call_compiles_source) {
  World world;
  Warmed warmed(world, "let n = 0; function f() { return new Function('return ' + n++)(); }", 1);
  cr_assert(!warmed.failed);
  cr_assert(!warmed.reached().steady);
  cr_assert_lt(warmed.reached().rounds, WarmUp::most_rounds);
}

Test(warm_up, ends_when_its_time_is_over) {
  World world;
  Warmed warmed(world, "function f() { return new Promise((go) => setTimeout(go, 5)); }", 2, 200);
  cr_assert(!warmed.failed);
  cr_assert(!warmed.reached().steady);
  cr_assert_leq(warmed.reached().rounds, 41);
  cr_assert_geq(warmed.reached().after_us, 5000);
}

Test(warm_up, a_repeated_call_that_fails_only_ends_it) {
  World world;
  Warmed warmed(world, "let n = 0; function f() { if (++n > 5) throw new Error('again'); }", 3);
  cr_assert(!warmed.failed);
  cr_assert(!warmed.reached().steady);
  cr_assert_eq(warmed.reached().rounds, 3);
}

Test(warm_up, a_given_call_that_fails_fails_it) {
  World world;
  Warmed warmed(world, "let n = 0; function f() { if (++n > 5) throw new Error('again'); }", 6);
  cr_assert(warmed.failed);
  cr_assert_eq(warmed.failed->failure.error.message, "warm-up call of 'f': again");
}

Test(warm_up, what_each_call_keeps_does_not_use_up_the_memory) {
  World world({}, 32);
  Warmed warmed(world, "let all = []; function f() { all.push(Array(20000).fill({})) }", 1);
  cr_assert(!warmed.failed);
  cr_assert(!warmed.reached().steady);
}
