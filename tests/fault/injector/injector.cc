// SPDX-License-Identifier: Apache-2.0
// A library that stands before the C library in lethed (LD_PRELOAD): the call that the test names
// fails, or waits. The file LETHE_INJECTION says which (../injection.h). In what lethed executes it
// is not, but in what it forks, as the writer of scripts.
#include "tests/fault/injection.h"

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

namespace {

using lethe::test::Call;
using lethe::test::Injection;

Injection *injection = nullptr;

__attribute__((constructor)) void begin() {
  const char *path = getenv("LETHE_INJECTION");
  const int file =
      path ? static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC)) : -1;
  unsetenv("LD_PRELOAD"); // it is for this program alone
  if (file < 0)
    return;
  void *mapped = reinterpret_cast<void *>(
      syscall(SYS_mmap, nullptr, sizeof(Injection), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0L));
  close(file);
  if (mapped != MAP_FAILED)
    injection = static_cast<Injection *>(mapped);
}

// Counts the call. True: it is to fail, with errno.
bool fails(Call call) {
  if (!injection)
    return false;
  const uint64_t number = ++injection->calls[static_cast<size_t>(call)];
  const uint64_t first = injection->first;
  if (injection->call != call || first == 0 || number < first || number - first >= injection->times)
    return false;
  ++injection->hits;
  if (const int64_t delay_us = injection->delay_us; delay_us > 0) {
    const timespec time{delay_us / 1'000'000, delay_us % 1'000'000 * 1000};
    syscall(SYS_nanosleep, &time, nullptr);
  }
  errno = injection->error;
  return errno != 0;
}

bool is_regular(int file) {
  struct stat status {};
  return syscall(SYS_fstat, file, &status) == 0 && S_ISREG(status.st_mode);
}

void shift(timespec &time, clockid_t clock) {
  if (!injection)
    return;
  if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
    time.tv_sec += injection->wall_clock_s;
  else if (clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE)
    time.tv_sec += injection->uptime_s;
}

} // namespace

#define INJECTED extern "C" __attribute__((visibility("default")))
// The function behind this one.
#define NEXT(name)                                                                                 \
  (*[] {                                                                                           \
    static const auto next = reinterpret_cast<decltype(&::name)>(::dlsym(RTLD_NEXT, #name));       \
    return next;                                                                                   \
  }())
// A function whose kind has its name, or another's.
#define INJECT(kind, type, failure, name, parameters, arguments)                                   \
  INJECTED type name parameters { return fails(Call::kind) ? failure : NEXT(name) arguments; }

// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name, cert-dcl50-cpp)
INJECT(fopen, FILE *, nullptr, fopen, (const char *path, const char *mode), (path, mode))
INJECT(fopen, FILE *, nullptr, fopen64, (const char *path, const char *mode), (path, mode))
INJECT(opendir, DIR *, nullptr, opendir, (const char *path), (path))
INJECT(opendir, DIR *, nullptr, fdopendir, (int file), (file))
INJECT(mkdir, int, -1, mkdir, (const char *path, mode_t mode), (path, mode))
INJECT(stat, int, -1, stat, (const char *path, struct stat *status), (path, status))
INJECT(lstat, int, -1, lstat, (const char *path, struct stat *status), (path, status))
INJECT(fstat, int, -1, fstat, (int file, struct stat *status), (file, status))
INJECT(fsync, int, -1, fsync, (int file), (file))
INJECT(rename, int, -1, rename, (const char *from, const char *to), (from, to))
INJECT(link, int, -1, link, (const char *from, const char *to), (from, to))
INJECT(unlink, int, -1, unlink, (const char *path), (path))
INJECT(flock, int, -1, flock, (int file, int what), (file, what))
INJECT(pipe2, int, -1, pipe2, (int *ends, int flags), (ends, flags))
INJECT(socket, int, -1, socket, (int domain, int type, int protocol), (domain, type, protocol))
INJECT(socketpair, int, -1, socketpair, (int domain, int type, int protocol, int *ends),
       (domain, type, protocol, ends))
INJECT(bind, int, -1, bind, (int file, const sockaddr *address, socklen_t bytes),
       (file, address, bytes))
INJECT(listen, int, -1, listen, (int file, int backlog), (file, backlog))
INJECT(connect, int, -1, connect, (int file, const sockaddr *address, socklen_t bytes),
       (file, address, bytes))
INJECT(accept4, int, -1, accept4, (int file, sockaddr *address, socklen_t *bytes, int flags),
       (file, address, bytes, flags))
INJECT(send, ssize_t, -1, send, (int file, const void *bytes, size_t count, int flags),
       (file, bytes, count, flags))
INJECT(sendmsg, ssize_t, -1, sendmsg, (int file, const msghdr *message, int flags),
       (file, message, flags))
INJECT(recv, ssize_t, -1, recv, (int file, void *bytes, size_t count, int flags),
       (file, bytes, count, flags))
INJECT(recvmsg, ssize_t, -1, recvmsg, (int file, msghdr *message, int flags),
       (file, message, flags))
INJECT(mmap, void *, MAP_FAILED, mmap,
       (void *address, size_t bytes, int protection, int flags, int file, off_t offset),
       (address, bytes, protection, flags, file, offset))
INJECT(fork, pid_t, -1, fork, (), ())
INJECT(epoll_create1, int, -1, epoll_create1, (int flags), (flags))
INJECT(epoll_wait, int, -1, epoll_wait, (int epoll, epoll_event *events, int most, int limit_ms),
       (epoll, events, most, limit_ms))
INJECT(poll, int, -1, poll, (pollfd * descriptors, nfds_t count, int limit_ms),
       (descriptors, count, limit_ms))

INJECTED ssize_t read(int file, void *bytes, size_t count) {
  return injection && is_regular(file) && fails(Call::file_read) ? -1
                                                                 : NEXT(read)(file, bytes, count);
}

INJECTED ssize_t write(int file, const void *bytes, size_t count) {
  return injection && is_regular(file) && fails(Call::file_write) ? -1
                                                                  : NEXT(write)(file, bytes, count);
}

// To change or remove what is there needs no memory.
INJECTED int epoll_ctl(int epoll, int what, int file, epoll_event *event) noexcept {
  return what == EPOLL_CTL_ADD && fails(Call::epoll_add)
             ? -1
             : NEXT(epoll_ctl)(epoll, what, file, event);
}

// Those with a variable last argument, which is one word.
INJECTED int open(const char *path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return fails(Call::open) ? -1 : NEXT(open)(path, flags, mode);
}

INJECTED int openat(int folder, const char *path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return fails(Call::open) ? -1 : NEXT(openat)(folder, path, flags, mode);
}

INJECTED int fcntl(int file, int what, ...) {
  va_list more;
  va_start(more, what);
  const long argument = va_arg(more, long);
  va_end(more);
  return (what == F_DUPFD && fails(Call::duplicate)) ? -1 : NEXT(fcntl)(file, what, argument);
}

INJECTED long syscall(long number, ...) noexcept {
  va_list more;
  va_start(more, number);
  long words[6];
  for (long &word : words)
    word = va_arg(more, long);
  va_end(more);
  if ((number == SYS_pidfd_open && fails(Call::pidfd_open)) ||
      (number == SYS_pidfd_send_signal && fails(Call::pidfd_send_signal)))
    return -1;
  return NEXT(syscall)(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}

INJECTED int clock_gettime(clockid_t clock, timespec *time) noexcept {
  const int result = NEXT(clock_gettime)(clock, time);
  if (result == 0)
    shift(*time, clock);
  return result;
}

INJECTED int gettimeofday(timeval *time, void *zone) noexcept {
  const int result = NEXT(gettimeofday)(time, zone);
  if (result == 0 && injection)
    time->tv_sec += injection->wall_clock_s;
  return result;
}
// NOLINTEND(readability-inconsistent-declaration-parameter-name, cert-dcl50-cpp)
