// SPDX-License-Identifier: Apache-2.0
// Programs that a test starts, and what /proc tells about processes.
#pragma once

#include "ipc/file_descriptor.h"
#include "tests/harness/scratch_folder.h"

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace lethe::test {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// No event that a test waits for takes this long unless something is broken.
inline constexpr milliseconds patience{30'000};

double milliseconds_since(Clock::time_point begin);

std::filesystem::path build_folder();         // with everything that was built
std::filesystem::path source_folder();        // the working copy
std::string program(const std::string &name); // build/bin/NAME
std::string read_file(const std::filesystem::path &path);

struct Command {
  std::vector<std::string> words;
  std::vector<std::string> environment; // NAME=VALUE, on top of the test's
  std::string input{};
  std::function<void()> before_exec{}; // in the child
};

struct Finished {
  int status = -1; // exit status, or 128 + signal
  std::string output, errors;
};

// Runs a program to its end.
Finished run(const Command &command);

// A running child that dies with the test.
class Process {
public:
  // `output` and `errors` become its descriptors 1 and 2 where they are not -1.
  Process(const Command &command, int output, int errors);
  Process(Process &&other) noexcept;
  Process &operator=(Process &&) = delete;
  ~Process(); // kills it if it still runs

  pid_t pid() const { return pid_; }
  int pidfd() const { return pidfd_.get(); }
  void signal(int number) const;
  // Its exit status, or 128 + signal; -1 if it still runs when the time is over.
  int wait(milliseconds limit = patience);

private:
  pid_t pid_ = -1;
  FileDescriptor pidfd_;
};

// Waits until one of the descriptors is readable (or hung up) and returns its index, -1 if none is
// in time.
int wait_readable(const std::vector<int> &descriptors, milliseconds limit = patience);
// Asks again and again, for states of other processes that send no event. False: not in time.
bool becomes_true(const std::function<bool()> &condition, milliseconds limit = patience);

struct ProcessState {
  pid_t pid = 0, parent = 0;
  char state = '?'; // 'Z' is a zombie
  std::string name;
};
std::vector<ProcessState> descendants_of(pid_t pid);
size_t open_descriptors(pid_t pid);
// A number in /proc/PID/FILE: kB for "VmRSS" of "status" and "Pss" of "smaps_rollup", for example.
size_t process_figure(pid_t pid, const std::string &file, const std::string &key);

} // namespace lethe::test
