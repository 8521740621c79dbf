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

using namespace lethe::test;

TestSuite(bytes, .timeout = 120);

namespace {

// Names of the mappings in which the text is.
std::string mappings_with(pid_t pid, const std::string &text) {
  const std::string folder = "/proc/" + std::to_string(pid);
  const lethe::FileDescriptor memory(::open((folder + "/mem").c_str(), O_RDONLY | O_CLOEXEC));
  expect(static_cast<bool>(memory), "its memory can't be read");
  std::ifstream maps(folder + "/maps");
  std::string found, chunk(size_t{4} << 20, '\0');
  for (std::string line; std::getline(maps, line);) {
    std::istringstream fields(line);
    uint64_t begin = 0, end = 0;
    char minus = 0;
    std::string protection, rest;
    fields >> std::hex >> begin >> minus >> end >> protection;
    std::getline(fields, rest);
    if (!protection.starts_with("rw") && !protection.starts_with("r-"))
      continue;
    for (uint64_t at = begin; at < end; at += chunk.size() - text.size()) {
      const ssize_t got = ::pread(memory.get(), chunk.data(), std::min(chunk.size(), end - at),
                                  static_cast<off_t>(at));
      if (got <= 0)
        break;
      if (std::string_view(chunk.data(), static_cast<size_t>(got)).find(text) !=
          std::string_view::npos) {
        found += line + "\n";
        break;
      }
    }
  }
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
      running.push_back(client.start("eval", {source, {{"globals", {{"secret", secret}}}}}));
    for (const uint32_t msgid : running)
      expect_equal(client.wait(msgid).result(), true);
    for (int i = 0; i < 3; ++i)
      expect_equal(client.eval("1"), 1); // its rewind, at the latest, has come after the others
    const auto workers = daemon.workers();
    expect_equal(workers.size(), 1u);
    ::usleep(50'000); // its last rewind is after the reply
    expect_equal(mappings_with(workers[0], secret), "");
  }
}

// The processor's modes lie in no memory.
Test(bytes, how_the_processor_rounds_is_the_same_for_each_request) {
  Daemon daemon(DaemonOptions{.settings = {"pool.default.workers=1"},
                              .environment = {"LETHE_FAULT=worker.rounding"}});
  Client client = daemon.connect();
  for (int i = 0; i < 3; ++i)
    expect_equal(client.eval("let a = 0.1; let b = 0.2; a + b > 0.3"), true);
}
