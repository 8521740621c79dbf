// SPDX-License-Identifier: Apache-2.0
// The file that test and daemon share, and which call may have which error.
#include "tests/fault/injector.h"
#include "ipc/file_descriptor.h"
#include "tests/harness/expect.h"
#include "tests/harness/process.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>

namespace lethe::test {
namespace {

struct Row {
  Call call;
  std::vector<int> errors;
};

constexpr uint64_t most_of_a_kind = 64;

// As their manual pages have it. EINTR and EAGAIN say nothing of the call, only that it was no use.
const std::vector<Row> &rows() {
  static const std::vector<Row> all = {
      {Call::open, {EMFILE, ENFILE, ENOMEM, EIO}},
      {Call::fopen, {EMFILE, EIO}},
      {Call::opendir, {EMFILE, EIO}},
      {Call::mkdir, {ENOSPC, EIO}},
      {Call::stat, {ENOMEM, EIO}},
      {Call::lstat, {EIO}},
      {Call::fstat, {EIO}},
      {Call::file_read, {EIO, EINTR}},
      {Call::file_write, {ENOSPC, EIO, EINTR}},
      {Call::pread, {EIO}},
      {Call::pwrite, {ENOSPC, EIO}},
      {Call::ftruncate, {ENOSPC, EIO}},
      {Call::fsync, {EIO, ENOSPC}},
      {Call::rename, {ENOSPC, EIO}},
      {Call::link, {EPERM, ENOSPC}},
      {Call::unlink, {EIO}},
      {Call::flock, {ENOLCK, EINTR}},
      {Call::pipe2, {EMFILE, ENFILE}},
      {Call::socket, {EMFILE, ENOBUFS}},
      {Call::socketpair, {EMFILE, ENOMEM}},
      {Call::bind, {ENOMEM}},
      {Call::listen, {EADDRINUSE}},
      {Call::connect, {EAGAIN}},
      {Call::accept4, {EMFILE, ENFILE, ENOMEM, ENOBUFS, ECONNABORTED}},
      {Call::send, {ENOBUFS, ENOMEM, EAGAIN, EINTR}},
      {Call::sendmsg, {ENOBUFS, ETOOMANYREFS, EAGAIN, EINTR}},
      {Call::recv, {EAGAIN, EINTR}},
      {Call::recvmsg, {ENOMEM, EAGAIN, EINTR}},
      {Call::duplicate, {EMFILE}},
      {Call::memfd_create, {EMFILE, ENFILE, ENOMEM}},
      {Call::seal, {EBUSY}},
      {Call::mmap, {ENOMEM}},
      {Call::munmap, {ENOMEM}},
      {Call::mprotect, {ENOMEM}},
      {Call::madvise, {ENOMEM, EAGAIN}},
      {Call::ioctl, {ENOMEM}},
      {Call::fork, {EAGAIN, ENOMEM}},
      {Call::wait, {EINTR}},
      {Call::pidfd_open, {EMFILE, ENFILE, ENOMEM}},
      {Call::signalfd, {EMFILE, ENOMEM}},
      {Call::timer_create, {EAGAIN, ENOMEM}},
      {Call::setrlimit, {EPERM}},
      {Call::close_range, {ENOMEM}},
      {Call::unshare, {ENOMEM, ENOSPC, EPERM}},
      {Call::mount, {ENOMEM, EPERM}},
      {Call::capset, {EPERM}},
      {Call::landlock, {EMFILE, ENOMEM}},
      {Call::seccomp, {ENOMEM}},
      {Call::epoll_create1, {EMFILE, ENOMEM}},
      {Call::epoll_add, {ENOMEM, ENOSPC}},
      {Call::epoll_wait, {EINTR}},
      {Call::poll, {EINTR, ENOMEM}},
  };
  return all;
}

} // namespace

std::string shown(const Fault &fault) {
  return std::string(call_names[static_cast<size_t>(fault.call)]) + " #" +
         std::to_string(fault.number) + ": " + ::strerrordesc_np(fault.error);
}

std::vector<Fault> all_faults(const Injection &made) {
  std::vector<Fault> faults;
  for (const Row &row : rows()) {
    const uint64_t count = made.calls[static_cast<size_t>(row.call)];
    for (uint64_t number = 1; number <= count; number += 1 + (count - 1) / most_of_a_kind)
      for (const int error : row.errors)
        faults.push_back({row.call, number, error});
  }
  return faults;
}

Injector::Injector(Role role) {
  const FileDescriptor file(
      ::open((folder_.path() / "injection").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  expect(::ftruncate(file.get(), sizeof(Injection)) == 0, "the injection's file");
  void *mapped =
      ::mmap(nullptr, sizeof(Injection), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  expect(mapped != MAP_FAILED, "the injection's file");
  injection_ = static_cast<Injection *>(mapped);
  injection_->role = role;
}

Injector::~Injector() { ::munmap(injection_, sizeof(Injection)); }

std::vector<std::string> Injector::environment() const {
  return {"LD_PRELOAD=" + (build_folder() / "tests" / "fault-injector.so").string(),
          "LETHE_INJECTION=" + (folder_.path() / "injection").string()};
}

void Injector::arm(const Fault &fault) {
  disarm();
  injection_->call = fault.call;
  injection_->error = fault.error;
  injection_->times = 1;
  injection_->first = fault.number;
}

void Injector::slow_down(Call call, int64_t delay_us) {
  disarm();
  injection_->call = call;
  injection_->error = 0;
  injection_->delay_us = delay_us;
  injection_->times = UINT64_MAX;
  injection_->first = 1;
}

void Injector::disarm() {
  injection_->first = 0;
  injection_->hits = 0;
  injection_->delay_us = 0;
  for (auto &calls : injection_->calls)
    calls = 0;
}

} // namespace lethe::test
