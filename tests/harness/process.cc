// SPDX-License-Identifier: Apache-2.0
// Programs that a test starts, and what /proc tells about processes.
#include "tests/harness/process.h"

#include "tests/harness/expect.h"
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <poll.h>
#include <sstream>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>

namespace lethe::test {
namespace fs = std::filesystem;

double milliseconds_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

fs::path build_folder() { return fs::read_symlink("/proc/self/exe").parent_path().parent_path(); }

// The build folder is below it, wherever that is.
fs::path source_folder() {
  fs::path folder = build_folder();
  while (!fs::exists(folder / "Makefile") && folder.has_relative_path())
    folder = folder.parent_path();
  return folder;
}

std::string program(const std::string &name) { return build_folder() / "bin" / name; }

std::string read_file(const fs::path &path) {
  std::ifstream stream(path, std::ios::binary);
  expect(stream.good(), "can't read " + path.string());
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

Process::Process(const Command &command, int output, int errors) {
  // A test that dies takes its daemon along, which takes its workers along.
  const pid_t test = ::getpid();
  std::vector<char *> words;
  for (const std::string &word : command.words)
    words.push_back(const_cast<char *>(word.c_str()));
  words.push_back(nullptr);
  pid_ = ::fork();
  expect(pid_ >= 0, "fork");
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != test)
      ::_exit(127);
    if (output >= 0)
      ::dup2(output, 1);
    if (errors >= 0)
      ::dup2(errors, 2);
    for (const std::string &variable : command.environment)
      ::putenv(const_cast<char *>(variable.c_str()));
    ::signal(SIGINT, SIG_DFL); // a shell's background job ignores it
    if (command.before_exec)
      command.before_exec();
    ::execvp(words[0], words.data());
    ::perror(words[0]);
    ::_exit(127);
  }
  pidfd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
}

Process::Process(Process &&other) noexcept
    : pid_(std::exchange(other.pid_, -1)), pidfd_(std::move(other.pidfd_)) {}

Process::~Process() {
  if (pid_ > 0) {
    signal(SIGKILL);
    wait();
  }
}

void Process::signal(int number) const {
  ::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0);
}

int Process::wait(milliseconds limit) {
  if (wait_readable({pidfd_.get()}, limit) < 0)
    return -1;
  int status = 0;
  expect(::waitpid(pid_, &status, 0) == pid_, "waitpid");
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Finished run(const Command &command) {
  int input[2], output[2], errors[2];
  expect(::pipe2(input, O_CLOEXEC) == 0 && ::pipe2(output, O_CLOEXEC) == 0 &&
             ::pipe2(errors, O_CLOEXEC) == 0,
         "pipe");
  Command with_input = command;
  const FileDescriptor child_input(input[0]);
  with_input.before_exec = [&] {
    ::dup2(child_input.get(), 0);
    if (command.before_exec)
      command.before_exec();
  };
  Process process(with_input, output[1], errors[1]);
  ::close(output[1]);
  ::close(errors[1]);
  std::thread writer([&, descriptor = input[1]] {
    const FileDescriptor end(descriptor);
    for (size_t done = 0; done < command.input.size();) {
      const ssize_t written =
          ::write(end.get(), command.input.data() + done, command.input.size() - done);
      if (written <= 0)
        return;
      done += static_cast<size_t>(written);
    }
  });
  const auto read_all = [](int descriptor, std::string &text) {
    const FileDescriptor end(descriptor);
    char bytes[65536];
    for (ssize_t count = 0; (count = ::read(end.get(), bytes, sizeof bytes)) > 0;)
      text.append(bytes, static_cast<size_t>(count));
  };
  Finished finished;
  std::thread reader([&] { read_all(errors[0], finished.errors); });
  read_all(output[0], finished.output);
  reader.join();
  writer.join();
  finished.status = process.wait();
  return finished;
}

int wait_readable(const std::vector<int> &descriptors, milliseconds limit) {
  std::vector<pollfd> polled;
  for (const int descriptor : descriptors)
    polled.push_back({descriptor, POLLIN, 0});
  const auto end = Clock::now() + limit;
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(end - Clock::now()).count();
    const int ready =
        ::poll(polled.data(), polled.size(), static_cast<int>(std::max<int64_t>(left, 0)));
    if (ready < 0 && errno == EINTR)
      continue;
    if (ready <= 0)
      return -1;
    const auto found = std::find_if(polled.begin(), polled.end(),
                                    [](const pollfd &entry) { return entry.revents != 0; });
    return static_cast<int>(found - polled.begin());
  }
}

bool becomes_true(const std::function<bool()> &condition, milliseconds limit) {
  const auto end = Clock::now() + limit;
  while (!condition()) {
    if (Clock::now() > end)
      return false;
    std::this_thread::sleep_for(milliseconds(1));
  }
  return true;
}

std::vector<ProcessState> descendants_of(pid_t pid) {
  std::vector<ProcessState> all;
  for (const auto &entry : fs::directory_iterator("/proc")) {
    std::ifstream stream(entry.path() / "stat");
    std::string line;
    if (!std::isdigit(entry.path().filename().string()[0]) || !std::getline(stream, line))
      continue;
    const size_t name = line.find('('), end = line.rfind(')');
    ProcessState state;
    std::istringstream(line) >> state.pid;
    std::istringstream(line.substr(end + 2)) >> state.state >> state.parent;
    state.name = line.substr(name + 1, end - name - 1);
    all.push_back(state);
  }
  std::vector<ProcessState> found;
  std::vector<pid_t> parents{pid};
  while (!parents.empty()) {
    const pid_t parent = parents.back();
    parents.pop_back();
    for (const ProcessState &state : all)
      if (state.parent == parent) {
        found.push_back(state);
        parents.push_back(state.pid);
      }
  }
  return found;
}

size_t open_descriptors(pid_t pid) {
  const fs::directory_iterator folder("/proc/" + std::to_string(pid) + "/fd");
  return static_cast<size_t>(std::distance(begin(folder), end(folder)));
}

size_t process_figure(pid_t pid, const std::string &file, const std::string &key) {
  std::istringstream lines(read_file("/proc/" + std::to_string(pid) + "/" + file));
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(key + ":"))
      return std::stoul(line.substr(key.size() + 1));
  fail("no " + key + " in /proc/PID/" + file);
}

} // namespace lethe::test
