// SPDX-License-Identifier: Apache-2.0
// What native code in a worker could read of earlier requests: their bytes are searched for in all
// of its memory.
#include "tests/harness/daemon.h"

#include <algorithm>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <unistd.h>
#include <vector>

using namespace lethe::test;

TestSuite(bytes, .timeout = 120);

namespace {

struct Run {
  uint64_t begin, end;
};

// The runs of pages that the process has there. To look at others would make them: of the image,
// whose file is as long as the arena, all 16 GB.
std::vector<Run> present_runs(const lethe::FileDescriptor &pagemap, uint64_t begin, uint64_t end) {
  const auto page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  std::vector<uint64_t> entries((end - begin) / page);
  const ssize_t got = ::pread(pagemap.get(), entries.data(), entries.size() * sizeof(uint64_t),
                              static_cast<off_t>(begin / page * sizeof(uint64_t)));
  std::vector<Run> runs;
  for (uint64_t i = 0; got > 0 && i < static_cast<uint64_t>(got) / sizeof(uint64_t); ++i) {
    const uint64_t address = begin + i * page;
    if (entries[i] >> 62 == 0) // neither in memory nor in swap
      continue;
    if (!runs.empty() && runs.back().end == address)
      runs.back().end += page;
    else
      runs.push_back({address, address + page});
  }
  return runs;
}

bool has_text(const lethe::FileDescriptor &memory, const Run &run, const std::string &text) {
  std::string bytes(run.end - run.begin, '\0');
  const ssize_t got =
      ::pread(memory.get(), bytes.data(), bytes.size(), static_cast<off_t>(run.begin));
  bytes.resize(static_cast<size_t>(std::max<ssize_t>(got, 0)));
  return bytes.find(text) != bytes.npos;
}

// Names of the mappings in which the text is.
std::string mappings_with(pid_t pid, const std::string &text) {
  const std::string folder = "/proc/" + std::to_string(pid);
  const lethe::FileDescriptor memory(::open((folder + "/mem").c_str(), O_RDONLY | O_CLOEXEC)),
      pagemap(::open((folder + "/pagemap").c_str(), O_RDONLY | O_CLOEXEC));
  expect(memory && pagemap, "its memory can't be read");
  std::ifstream maps(folder + "/maps");
  std::string found;
  size_t bytes = 0;
  for (std::string line; std::getline(maps, line);) {
    std::istringstream fields(line);
    uint64_t begin = 0, end = 0;
    char minus = 0;
    std::string protection;
    fields >> std::hex >> begin >> minus >> end >> protection;
    if (!protection.starts_with("r") || line.ends_with("[vsyscall]"))
      continue;
    for (const Run &run : present_runs(pagemap, begin, end)) {
      bytes += run.end - run.begin;
      if (!has_text(memory, run, text))
        continue;
      found += line + "\n";
      break;
    }
  }
  expect(bytes > size_t{1} << 20, "nothing was looked at");
  return found;
}

} // namespace

// Several at once: those that are received while another one runs are carried over its rewind.
Test(bytes, no_byte_of_a_request_is_left_in_its_worker) {
  if (::getuid() != 0)
    cr_skip_test("needs root to read another process's memory");
  for (const char *scan : {"auto", "drop"}) {
    Daemon daemon({"pool.default.workers=1", "pool.default.rewind_scan=" + std::string(scan)});
    Client client = daemon.connect();
    const std::string secret = "Xq7-" + std::to_string(::getpid()) + "-of-a-request-zK9w";
    const std::string source =
        "const down = (n) => n > 0 ? down(n - 1) + '' : JSON.stringify([secret]) + "
        "encodeURIComponent(secret) + /(.*)-(of).*/.exec(secret)[1]; "
        "new TextEncoder().encode(secret); console.log(secret); down(2000).length > 0";
    std::vector<uint32_t> running;
    for (int i = 0; i < 40; ++i)
      running.push_back(client.start(
          "eval", {source, {{"globals", {{"secret", secret}}}, {"deadline_ms", 30'000}}}));
    for (const uint32_t msgid : running)
      expect_equal(client.wait(msgid).result(), true);
    for (int i = 0; i < 3; ++i)
      expect_equal(client.eval("1"), 1); // its rewind, at the latest, has come after the others
    expect_equal(mappings_with(daemon.idle_workers().at(0), secret), "");
  }
}

namespace {

// What is read as a number is copied to the stack before: here at several depths, below and beyond
// what is always wiped, the deepest first, as the next one's frames cover the others. Where it is
// found afterwards.
std::string digits_left(const DaemonOptions &options) {
  Daemon daemon(options);
  Client client = daemon.connect();
  std::string digits = "8140917" + std::to_string(::getpid());
  while (digits.size() < 400)
    digits += std::to_string(digits.size() * 7919 % 1000);
  const std::string source =
      "const down = (n) => n > 0 ? down(n - 1) + 0 : Number.parseFloat(digits);"
      "[3200, 1600, 800, 400, 200, 100, 10].map(down).every((n) => n > 1e300)";
  for (int i = 0; i < 10; ++i)
    expect_equal(client.eval(source, {{"globals", {{"digits", digits}}}, {"deadline_ms", 30'000}}),
                 true);
  for (int i = 0; i < 3; ++i)
    expect_equal(client.eval("1"), 1);
  return mappings_with(daemon.idle_workers().at(0), digits.substr(100, 40));
}

} // namespace

Test(bytes, no_digit_of_a_number_is_left_on_the_stack) {
  if (::getuid() != 0)
    cr_skip_test("needs root to read another process's memory");
  const std::vector<std::string> one{"pool.default.workers=1"};
  expect_equal(digits_left({.settings = one}), "");
  expect_equal(digits_left({.settings = {one[0], "pool.default.rewind_scan=drop"}}), "");
  // Where the stack is not wiped they are found: so this looks where they would be. Newer versions of
  // V8 read a number where it is.
  Daemon daemon(DaemonOptions{.settings = one});
  const std::string v8 = daemon.connect().result("ping", json::array()).at("v8");
  if (std::stoi(v8) < 13)
    expect_contains(digits_left({.settings = one, .environment = {"LETHE_FAULT=rewind.stack"}}),
                    "[stack]");
}

// The processor's modes lie in no memory.
Test(bytes, how_the_processor_rounds_is_the_same_for_each_request) {
  Daemon daemon(DaemonOptions{.settings = {"pool.default.workers=1"},
                              .environment = {"LETHE_FAULT=worker.rounding"}});
  Client client = daemon.connect();
  for (int i = 0; i < 3; ++i)
    expect_equal(client.eval("let a = 0.1; let b = 0.2; a + b > 0.3"), true);
}
