// SPDX-License-Identifier: Apache-2.0
// What is easily stale after a fork or a rewind: pages beyond what one scan lists, those that were
// written just before the fork, those that are swapped out, clocks, memory of WebAssembly that has
// grown. All memory is compared after each rewind, too.
#include "ipc/file_descriptor.h"
#include "tests/harness/daemon.h"

#include <cmath>
#include <criterion/criterion.h>
#include <csignal>
#include <fstream>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

using namespace lethe::test;

TestSuite(freshness, .timeout = 120);

namespace {

Daemon verifying(const std::string &scan, std::vector<std::string> more = {}) {
  more.insert(more.end(), {"pool.default.workers=1", "pool.default.rewind_verify=1",
                           "pool.default.rewind_scan=" + scan});
  return Daemon(DaemonOptions{.settings = std::move(more)});
}

// It was put back each time, by what was to be tested.
void expect_rewound(Client &client, int at_least) {
  const json stats = client.result("stats", json::array());
  for (const auto &[name, count] : stats.items())
    if (name.starts_with("rewinds_failed_"))
      expect_equal(count, 0);
  const json &pool = stats["pools"]["default"];
  expect_equal(pool["isolation_in_force"], "rewind");
  expect(pool["processes"].at(0)["rewinds_verified"] >= at_least,
         "it was not rewound: " + shown(pool));
}

// Swap space of the machine for as long as a test takes, beside what it may have.
class SwapSpace {
public:
  SwapSpace() : folder_(build_folder()), file_(folder_.path() / "swap") {
    constexpr size_t bytes = size_t{128} << 20;
    std::ofstream(file_) << std::string(bytes, '\0');
    ::chmod(file_.c_str(), 0600);
    is_on_ = run({.words = {"/sbin/mkswap", file_}, .environment = {}}).status == 0 &&
             ::swapon(file_.c_str(), 0) == 0;
  }
  SwapSpace(const SwapSpace &) = delete;
  ~SwapSpace() {
    if (is_on_)
      ::swapoff(file_.c_str());
  }
  bool is_on() const { return is_on_; }

private:
  ScratchFolder folder_;
  std::string file_;
  bool is_on_ = false;
};

// All that the process has of its own, as the kernel may do at any time. Returns the kB that are out.
size_t swap_out(pid_t pid) {
  const lethe::FileDescriptor process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
  for (std::string line; std::getline(maps, line);) {
    size_t begin = 0, end = 0;
    char protection[5] = "";
    std::sscanf(line.c_str(), "%zx-%zx %4s", &begin, &end, protection);
    iovec range{reinterpret_cast<void *>(begin), end - begin}; // NOLINT(performance-no-int-to-ptr)
    if (protection[1] == 'w')                                  // what can't be paged out stays
      ::syscall(SYS_process_madvise, process.get(), &range, 1, MADV_PAGEOUT, 0);
  }
  return process_figure(pid, "smaps_rollup", "Swap");
}

} // namespace

// Every second page of 32 MB is written: 4096 runs.
Test(freshness, more_changed_runs_than_a_scan_lists) {
  for (const char *scan : {"auto", "pagemap", "drop"}) {
    const Daemon daemon = verifying(scan);
    Client client = daemon.connect();
    client.put("s", "const block = new Uint8Array(32 << 20).fill(1);"
                    "function write(from, value) {"
                    "  let seen = 0;"
                    "  for (let at = from; at < block.length; at += 8192) {"
                    "    seen += block[at] - 1; block[at] = value; }"
                    "  return seen; }");
    for (int i = 0; i < 6; ++i)
      expect_equal(client.call("s", "write", {i % 2 * 4096, 7}), 0);
    expect_rewound(client, 5);
  }
}

// A page that the zygote has written since its image was made is one that a scan finds changed at
// once: it is the worker's, and stays.
Test(freshness, first_requests_of_new_forks_and_generations) {
  for (const char *scan : {"auto", "pagemap", "drop"}) {
    const Daemon daemon = verifying(scan);
    Client client = daemon.connect();
    for (int generation = 0; generation < 4; ++generation) {
      client.put(
          "s" + std::to_string(generation % 2),
          "let calls = 0; const kept = [" + std::to_string(generation) +
              "]; function f() { kept.push(new Array(5000).fill(calls)); globalThis.left = 1;"
              "return [++calls, kept.length, kept[0]]; }");
      for (int fork = 0; fork < 3; ++fork) {
        for (int i = 0; i < 3; ++i)
          expect_equal(client.call("s" + std::to_string(generation % 2), "f"), {1, 2, generation});
        expect_equal(client.eval("typeof left"), "undefined");
        for (const pid_t worker : daemon.workers())
          ::kill(worker, SIGKILL);
      }
    }
    const json stats = client.result("stats", json::array());
    expect_equal(stats["rewinds_failed_verify_failed"], 0);
  }
}

// Pages that a request has changed are swapped out before its end, and those that it finds before it
// begins.
Test(freshness, changed_pages_that_were_swapped_out) {
  const SwapSpace swap;
  if (!swap.is_on())
    cr_skip_test("needs root and a file system for swap space");
  for (const char *scan : {"auto", "pagemap", "drop"}) {
    const Daemon daemon = verifying(scan);
    Client client = daemon.connect();
    client.put("s", "const block = new Uint8Array(8 << 20).fill(1); const kept = ['kept'];"
                    "async function write(value) {"
                    "  let seen = kept.length - 1;"
                    "  for (let at = 0; at < block.length; at += 4096) {"
                    "    seen += block[at] - 1; block[at] = value; }"
                    "  kept.push(value); globalThis.left = 1;"
                    "  await host.call('swap'); return seen; }");
    client.eval("1"); // the worker has taken the script's generation
    const pid_t worker = daemon.idle_workers().at(0);
    size_t out_kb = 0;
    client.on_host_call = [&](uint32_t, const std::string &, const json &) {
      out_kb = swap_out(worker);
      return json();
    };
    for (int i = 0; i < 6; ++i) {
      expect_equal(client.call("s", "write", {7}, {{"deadline_ms", 30'000}}), 0);
      expect(out_kb > 8 << 10, std::to_string(out_kb) + " kB were swapped out");
      if (i % 2 == 0)
        expect(swap_out(worker) > 0, "nothing was swapped out between requests");
      expect_equal(client.eval("typeof left"), "undefined");
    }
    expect_rewound(client, 10);
    expect(daemon.idle_workers().at(0) == worker, "the worker was replaced");
  }
}

// Where a request's time begins is no older than the request, whatever was forked or rewound since.
Test(freshness, clocks_tell_each_request_its_own_time) {
  for (const char *isolation : {"rewind", "process", "reuse"}) {
    const Daemon daemon({"pool.default.isolation=" + std::string(isolation)});
    Client client = daemon.connect();
    const std::string tell = "[Date.now(), performance.timeOrigin + performance.now(), "
                             "new Date().getTime(), performance.now()]";
    client.put("s",
               "const loaded = Date.now(); function tell() { return [..." + tell + ", loaded]; }");
    double before_ms = 0;
    for (int i = 0; i < 40; ++i) {
      if (i % 10 == 9)
        for (const pid_t worker : daemon.workers())
          ::kill(worker, SIGKILL);
      const json told = i % 2 == 0 ? client.eval(tell) : client.call("s", "tell");
      const double now_ms = std::chrono::duration<double, std::milli>(
                                std::chrono::system_clock::now().time_since_epoch())
                                .count();
      expect(told[0] >= std::floor(before_ms), "time went back: " + shown(told));
      expect(now_ms - told[0].get<double>() < 1000, "it is the past: " + shown(told));
      expect(std::abs(told[1].get<double>() - told[0].get<double>()) < 1000,
             "its clocks differ: " + shown(told));
      expect(told[3] >= 0 && told[3] < 1000, "it began in the past: " + shown(told));
      before_ms = told[0];
    }
  }
}

// (module (memory (export "m") 1 100) (func (export "f") (param i32) (result i32)
//   local.get 0 i32.load))
Test(freshness, memory_of_web_assembly_that_has_grown) {
  constexpr const char *script = R"(
    const bytes = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 6, 1, 96, 1, 127, 1, 127, 3, 2, 1, 0,
      5, 4, 1, 1, 1, 100, 7, 9, 2, 1, 109, 2, 0, 1, 102, 0, 0, 10, 9, 1, 7, 0, 32, 0, 40, 2, 0, 11]);
    const { m, f } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
    new Uint32Array(m.buffer)[100] = 4711;
    const load = (at) => { try { return f(at); } catch (error) { return error.name; } };
    function grow(pages) {
      const before = [m.buffer.byteLength, load(400), load(65536), load(99 * 65536)];
      m.grow(pages);
      const fresh = load(pages * 65536);
      new Uint8Array(m.buffer).fill(255);
      return [...before, fresh, load(400), m.buffer.byteLength];
    })";
  for (const char *scan : {"auto", "pagemap", "drop"}) {
    const Daemon daemon = verifying(scan);
    Client client = daemon.connect();
    client.put("s", script);
    for (const int pages : {1, 50, 3, 99, 1, 20}) // guarded again beyond the first page
      expect_equal(client.call("s", "grow", {pages}),
                   {65536, 4711, "RuntimeError", "RuntimeError", 0, -1, (1 + pages) * 65536});
    const json stats = client.result("stats", json::array());
    expect_equal(stats["rewinds_failed_verify_failed"], 0);
  }
}
