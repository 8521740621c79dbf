// SPDX-License-Identifier: Apache-2.0
// Files as a whole: what is written is there, and what could not be written changes nothing.
#include "ipc/files.h"
#include "ipc/file_descriptor.h"
#include "tests/harness/scratch_folder.h"
#include "tests/unit/failing_sync.h"

#include <cerrno>
#include <criterion/criterion.h>
#include <csignal>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <thread>

using namespace lethe;
namespace fs = std::filesystem;

// In the place of the C library's.
extern "C" int fsync(int file) {
  if (test::good_syncs-- > 0)
    return static_cast<int>(::syscall(SYS_fsync, file));
  errno = EIO;
  return -1;
}

Test(files, a_replaced_file_has_the_new_content_and_the_wanted_mode) {
  const test::ScratchFolder folder;
  const std::string path = folder.file("f", "a longer old content");
  cr_assert(replace_file(path, "new", 0600));
  cr_expect_eq(*read_file(path), "new");
  struct stat status {};
  cr_assert_eq(::stat(path.c_str(), &status), 0);
  cr_expect_eq(status.st_mode & 0777, 0600);
  cr_expect_eq(std::distance(fs::directory_iterator(folder.path()), {}), 1);
}

Test(files, a_file_that_cannot_be_replaced_stays_and_nothing_lies_beside_it) {
  const test::ScratchFolder folder;
  const std::string path = folder.file("f", "old");
  ::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{100, 100}; // stands for a full disk
  ::setrlimit(RLIMIT_FSIZE, &limit);
  const auto replaced = replace_file(path, std::string(101, 'x'), 0600);
  cr_assert(!replaced);
  cr_expect(replaced.error().message.ends_with("File too large"));
  cr_expect_eq(*read_file(path), "old");
  cr_expect_eq(std::distance(fs::directory_iterator(folder.path()), {}), 1);
}

Test(files, what_can_not_be_made_durable_is_not_there_either) {
  const test::ScratchFolder folder;
  const std::string old = folder.file("old", "old"), added = folder.path() / "added";
  for (const std::string &path : {old, added}) {
    test::good_syncs = 1; // the new file, and not its folder
    const auto replaced = replace_file(path, "new", 0600);
    cr_assert(!replaced);
    cr_expect(replaced.error().message.ends_with("Input/output error"), "%s",
              replaced.error().message.c_str());
  }
  test::good_syncs = 0;
  cr_assert(!remove_file(old));
  cr_expect_eq(*read_file(old), "old");
  cr_expect_eq(std::distance(fs::directory_iterator(folder.path()), {}), 1);
  test::good_syncs = INT_MAX;
  cr_assert(replace_file(old, "new", 0600));
  cr_expect_eq(*read_file(old), "new");
  cr_assert(remove_file(old));
  cr_assert(remove_file(old), "what is not there has gone");
  cr_expect(fs::is_empty(folder.path()));
}

Test(files, a_path_without_a_folder_is_in_the_present_one) {
  const test::ScratchFolder folder;
  fs::current_path(folder.path());
  cr_assert(replace_file("f", "content", 0600));
  cr_expect_eq(*read_file("f"), "content");
  fs::current_path("/");
}

Test(files, what_is_no_regular_file_is_not_read_as_an_empty_one) {
  const auto device = read_file("/dev/null");
  cr_assert(!device);
  cr_expect_eq(device.error().message, "open /dev/null: not a file");
  const auto absent = read_file("/proc/no/such");
  cr_assert(!absent);
  cr_expect_eq(absent.error().message, "open /proc/no/such: No such file or directory");
}

Test(files, all_is_written_however_often_the_kernel_stops_in_between) {
  int ends[2];
  cr_assert_eq(::pipe(ends), 0);
  FileDescriptor reading(ends[0]), writing(ends[1]);
  const std::string bytes(1 << 20, 'x'); // many times what a pipe takes
  size_t arrived = 0;
  std::thread reader([&] {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, nullptr); // the writer gets them
    char piece[65536];
    for (ssize_t got; (got = ::read(reading.get(), piece, sizeof piece)) > 0;) {
      arrived += static_cast<size_t>(got);
      ::usleep(2000);
    }
  });
  struct sigaction interrupt {};
  interrupt.sa_handler = [](int) {};
  ::sigaction(SIGALRM, &interrupt, nullptr);
  const itimerval often{{0, 300}, {0, 300}};
  ::setitimer(ITIMER_REAL, &often, nullptr);
  const auto written = write_all(writing.get(), bytes, "a pipe");
  writing.reset();
  reader.join();
  cr_assert(written, "%s", written ? "" : written.error().message.c_str());
  cr_expect_eq(arrived, bytes.size());
}

Test(files, a_pipe_is_read_until_nobody_writes_to_it) {
  int ends[2];
  cr_assert_eq(::pipe(ends), 0);
  const FileDescriptor reading(ends[0]);
  std::string bytes(300'000, 'x'); // more than a pipe holds, and no whole number of pieces
  bytes.back() = 'z';
  std::thread writer([&bytes, writing = FileDescriptor(ends[1])] {
    cr_assert(write_all(writing.get(), bytes, "a pipe"));
  });
  const std::string got = read_to_end(reading.get());
  writer.join();
  cr_expect(got == bytes);
  cr_expect_eq(read_to_end(reading.get()), "");
  cr_expect_eq(read_to_end(-1), "");
}
