// SPDX-License-Identifier: Apache-2.0
// The log does not wait for whoever reads it, and a line is a line.
#include "daemon/master/operation/log.h"
#include "ipc/file_descriptor.h"
#include "tests/harness/scratch_folder.h"

#include <cerrno>
#include <chrono>
#include <criterion/criterion.h>
#include <cstdlib>
#include <fcntl.h>
#include <functional>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

using namespace lethe;
using lethe::test::ScratchFolder;

TestSuite(log, .timeout = 60);

namespace {

// What is written while standard error is this.
void with_standard_error(int descriptor, const std::function<void()> &write) {
  const FileDescriptor kept(dup(STDERR_FILENO));
  dup2(descriptor, STDERR_FILENO);
  write();
  dup2(kept.get(), STDERR_FILENO);
}

// More than any pipe or socket takes.
void write_much() {
  for (int i = 0; i < 20'000; ++i)
    log_info("{} {}", i, std::string(200, 'x'));
}

std::string read_all(int descriptor) {
  std::string all;
  char piece[65536];
  for (ssize_t count;
       (count = ::recv(descriptor, piece, sizeof piece, MSG_DONTWAIT)) > 0 ||
       (count < 0 && errno == ENOTSOCK && (count = ::read(descriptor, piece, sizeof piece)) > 0);)
    all.append(piece, static_cast<size_t>(count));
  return all;
}

void expect_drops(int writing, int reading) {
  const auto begin = std::chrono::steady_clock::now();
  with_standard_error(writing, write_much);
  cr_assert(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20));
  const uint64_t dropped = dropped_log_lines();
  cr_assert(dropped > 1000 && dropped < 20'000, "%llu", static_cast<unsigned long long>(dropped));
  std::string said = read_all(reading);
  with_standard_error(writing, [] { log_info("there again"); });
  said += read_all(reading);
  cr_assert(said.find("there again") != said.npos, "%s", said.c_str());
  cr_assert_eq(dropped_log_lines(), dropped);
  // It is told where there is room for it, which may be more than once.
  uint64_t told = 0;
  for (size_t at = 0; (at = said.find(" lines of the log were dropped", at + 1)) != said.npos;)
    told += std::strtoull(&said[said.find_last_not_of("0123456789", at - 1) + 1], nullptr, 10);
  cr_assert_eq(told, dropped, "%llu", static_cast<unsigned long long>(told));
}

} // namespace

Test(log, a_full_pipe_costs_lines_and_no_time) {
  int ends[2];
  cr_assert_eq(pipe(ends), 0);
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  with_standard_error(ends[1], [] { open_log(LogLevel::info); });
  // Somebody else writes to it, too: that there is room now says nothing about the next moment.
  expect_drops(ends[1], ends[0]);
}

Test(log, a_full_socket_costs_lines_and_no_time) {
  int ends[2];
  cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  with_standard_error(ends[1], [] { open_log(LogLevel::info); });
  expect_drops(ends[1], ends[0]);
}

Test(log, a_journal_that_does_not_read_costs_lines_and_no_time) {
  const ScratchFolder folder;
  const std::string path = folder.path() / "journal";
  const FileDescriptor journal(::socket(AF_UNIX, SOCK_DGRAM, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  cr_assert_eq(bind(journal.get(), reinterpret_cast<const sockaddr *>(&address), sizeof address),
               0);
  struct stat status {};
  fstat(STDERR_FILENO, &status);
  setenv("JOURNAL_STREAM", fmt::format("{}:{}", status.st_dev, status.st_ino).c_str(), 1);
  open_log(LogLevel::info, path);
  log_error("one\nPRIORITY=0");
  cr_assert_eq(read_all(journal.get()),
               "SYSLOG_IDENTIFIER=lethed\nPRIORITY=3\nMESSAGE=one PRIORITY=0\n");
  expect_drops(STDERR_FILENO, journal.get());
  ::unlink(path.c_str()); // it is started anew
  log_info("nobody is there");
  cr_assert(dropped_log_lines() > 0);
}

Test(log, a_line_is_a_line_whatever_is_in_it) {
  cr_assert_eq(printable("a\nb\tc\x7f"), "a b c ");
  cr_assert_eq(printable("ä€\U0001f600"), "ä€\U0001f600");
  cr_assert_eq(printable("a\u0085b\u009bc\u2028d\u2029e\u00a0"), "a b c d e\u00a0");
  cr_assert_eq(printable("\xff\xc3"), "??");
}
