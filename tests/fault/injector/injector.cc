// SPDX-License-Identifier: Apache-2.0
// A library that stands before the C library in lethed and what it executes (LD_PRELOAD): the call
// that the test names fails, or waits, in the processes that it means. The file LETHE_INJECTION says
// which (../injection.h). Where lethed itself is meant, the others are without it.
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
#include <sched.h>
#include <string_view>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using lethe::test::Call;
using lethe::test::Injection;
using lethe::test::Role;

Injection *injection = nullptr;
// What is forked is what it was forked from, but a zygote's child that calls itself a worker.
Role role = Role::none;

Role role_of_program() {
  const std::string_view name = program_invocation_short_name;
  return name == "lethed"           ? Role::master
         : name == "lethe-snapshot" ? Role::snapshot
         : name == "lethe-zygote"   ? Role::zygote
                                    : Role::none;
}

__attribute__((constructor)) void begin() {
  const char *path = getenv("LETHE_INJECTION");
  const int file =
      path ? static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC)) : -1;
  if (file < 0)
    return;
  void *mapped = reinterpret_cast<void *>(
      syscall(SYS_mmap, nullptr, sizeof(Injection), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0L));
  close(file);
  if (mapped == MAP_FAILED)
    return;
  injection = static_cast<Injection *>(mapped);
  role = role_of_program();
  if (injection->role == Role::master)
    unsetenv("LD_PRELOAD");
}

bool is_meant() { return injection && injection->role == role; }

// Counts the call. True: it is to fail, with errno.
bool fails(Call call) {
  if (!is_meant())
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

// One that is to fail sometime? Not of a worker's: what it writes are last words, and its sandbox would
// end it for the question.
bool is_regular(int file) {
  struct stat status {};
  return is_meant() && role != Role::worker && syscall(SYS_fstat, file, &status) == 0 &&
         S_ISREG(status.st_mode);
}

void shift(timespec &time, clockid_t clock) {
  if (!is_meant())
    return;
  if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
    time.tv_sec += injection->wall_clock_s;
  else if (clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE)
    time.tv_sec += injection->uptime_s;
}

} // namespace

#define INJECTED extern "C" __attribute__((visibility("default")))
// The function behind `name`. It is found when this library is loaded, as dlsym writes to memory and a
// worker's is put back; or at its first call, by another library's constructor.
#define FIND(name)                                                                                 \
  namespace {                                                                                      \
  decltype(&::name) next_##name = nullptr;                                                         \
  __attribute__((constructor)) void find_##name() {                                                \
    next_##name = reinterpret_cast<decltype(&::name)>(::dlsym(RTLD_NEXT, #name));                  \
  }                                                                                                \
  }
#define NEXT(name) (*(next_##name ? next_##name : (find_##name(), next_##name)))
// A function whose kind has its name, or another's.
#define INJECT(kind, type, failure, name, parameters, arguments)                                   \
  FIND(name)                                                                                       \
  INJECTED type name parameters { return fails(Call::kind) ? failure : NEXT(name) arguments; }

// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name, cert-dcl50-cpp)
INJECT(fopen, FILE *, nullptr, fopen, (const char *path, const char *mode), (path, mode))
INJECT(fopen, FILE *, nullptr, fopen64, (const char *path, const char *mode), (path, mode))
INJECT(opendir, DIR *, nullptr, opendir, (const char *path), (path))
INJECT(opendir, DIR *, nullptr, fdopendir, (int file), (file))
INJECT(mkdir, int, -1, mkdir, (const char *path, mode_t mode), (path, mode))
INJECT(stat, int, -1, stat, (const char *path, struct stat *status), (path, status))
INJECT(stat, int, -1, access, (const char *path, int mode), (path, mode))
INJECT(lstat, int, -1, lstat, (const char *path, struct stat *status), (path, status))
INJECT(fstat, int, -1, fstat, (int file, struct stat *status), (file, status))
INJECT(pread, ssize_t, -1, pread, (int file, void *bytes, size_t count, off_t offset),
       (file, bytes, count, offset))
INJECT(pwrite, ssize_t, -1, pwrite, (int file, const void *bytes, size_t count, off_t offset),
       (file, bytes, count, offset))
INJECT(ftruncate, int, -1, ftruncate, (int file, off_t bytes), (file, bytes))
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
INJECT(munmap, int, -1, munmap, (void *address, size_t bytes), (address, bytes))
INJECT(mprotect, int, -1, mprotect, (void *address, size_t bytes, int protection),
       (address, bytes, protection))
INJECT(madvise, int, -1, madvise, (void *address, size_t bytes, int advice),
       (address, bytes, advice))
INJECT(memfd_create, int, -1, memfd_create, (const char *name, unsigned flags), (name, flags))
INJECT(fork, pid_t, -1, fork, (), ())
INJECT(signalfd, int, -1, signalfd, (int file, const sigset_t *signals, int flags),
       (file, signals, flags))
INJECT(timer_create, int, -1, timer_create, (clockid_t clock, sigevent *event, timer_t *timer),
       (clock, event, timer))
INJECT(setrlimit, int, -1, setrlimit, (__rlimit_resource_t resource, const rlimit *limit),
       (resource, limit))
INJECT(close_range, int, -1, close_range, (unsigned first, unsigned last, int flags),
       (first, last, flags))
INJECT(unshare, int, -1, unshare, (int flags), (flags))
INJECT(mount, int, -1, mount,
       (const char *source, const char *target, const char *type, unsigned long flags,
        const void *data),
       (source, target, type, flags, data))
INJECT(mount, int, -1, umount2, (const char *target, int flags), (target, flags))
INJECT(epoll_create1, int, -1, epoll_create1, (int flags), (flags))
INJECT(epoll_wait, int, -1, epoll_wait, (int epoll, epoll_event *events, int most, int limit_ms),
       (epoll, events, most, limit_ms))
INJECT(poll, int, -1, poll, (pollfd * descriptors, nfds_t count, int limit_ms),
       (descriptors, count, limit_ms))

INJECT(poll, int, -1, ppoll,
       (pollfd * descriptors, nfds_t count, const timespec *limit, const sigset_t *signals),
       (descriptors, count, limit, signals))

// Only where it waits can a signal interrupt it.
FIND(waitpid)
INJECTED pid_t waitpid(pid_t pid, int *status, int options) {
  return (options & WNOHANG) == 0 && fails(Call::wait) ? -1 : NEXT(waitpid)(pid, status, options);
}

FIND(read)
INJECTED ssize_t read(int file, void *bytes, size_t count) {
  return is_regular(file) && fails(Call::file_read) ? -1 : NEXT(read)(file, bytes, count);
}

FIND(write)
INJECTED ssize_t write(int file, const void *bytes, size_t count) {
  return is_regular(file) && fails(Call::file_write) ? -1 : NEXT(write)(file, bytes, count);
}

// To change or remove what is there needs no memory.
FIND(epoll_ctl)
INJECTED int epoll_ctl(int epoll, int what, int file, epoll_event *event) noexcept {
  return what == EPOLL_CTL_ADD && fails(Call::epoll_add)
             ? -1
             : NEXT(epoll_ctl)(epoll, what, file, event);
}

// Those with a variable last argument, which is one word.
FIND(open)
INJECTED int open(const char *path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return fails(Call::open) ? -1 : NEXT(open)(path, flags, mode);
}

FIND(openat)
INJECTED int openat(int folder, const char *path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return fails(Call::open) ? -1 : NEXT(openat)(folder, path, flags, mode);
}

FIND(fcntl)
INJECTED int fcntl(int file, int what, ...) {
  va_list more;
  va_start(more, what);
  const long argument = va_arg(more, long);
  va_end(more);
  if ((what == F_DUPFD && fails(Call::duplicate)) || (what == F_ADD_SEALS && fails(Call::seal)))
    return -1;
  return NEXT(fcntl)(file, what, argument);
}

FIND(ioctl)
INJECTED int ioctl(int file, unsigned long request, ...) noexcept {
  va_list more;
  va_start(more, request);
  const long argument = va_arg(more, long);
  va_end(more);
  return fails(Call::ioctl) ? -1 : NEXT(ioctl)(file, request, argument);
}

FIND(prctl)
INJECTED int prctl(int what, ...) noexcept {
  va_list more;
  va_start(more, what);
  long words[4];
  for (long &word : words)
    word = va_arg(more, long);
  va_end(more);
  if (what == PR_SET_NAME && role == Role::zygote &&
      std::string_view(reinterpret_cast<const char *>(words[0])) == "lethe-worker")
    role = Role::worker;
  return NEXT(prctl)(what, words[0], words[1], words[2], words[3]);
}

namespace {

struct NumberedCall {
  long number;
  Call call;
};
constexpr NumberedCall numbered_calls[] = {
    {SYS_pidfd_open, Call::pidfd_open},
    {SYS_pidfd_send_signal, Call::pidfd_send_signal},
    {SYS_mmap, Call::mmap},
    {SYS_munmap, Call::munmap},
    {SYS_mprotect, Call::mprotect},
    {SYS_pkey_mprotect, Call::mprotect},
    {SYS_madvise, Call::madvise},
    {SYS_open_tree, Call::mount},
    {SYS_move_mount, Call::mount},
    {SYS_pivot_root, Call::mount},
    {SYS_capset, Call::capset},
    {SYS_landlock_create_ruleset, Call::landlock},
    {SYS_landlock_add_rule, Call::landlock},
    {SYS_landlock_restrict_self, Call::landlock},
    {SYS_seccomp, Call::seccomp},
};

} // namespace

FIND(syscall)
INJECTED long syscall(long number, ...) noexcept {
  va_list more;
  va_start(more, number);
  long words[6];
  for (long &word : words)
    word = va_arg(more, long);
  va_end(more);
  for (const NumberedCall &numbered : numbered_calls)
    if (numbered.number == number && fails(numbered.call))
      return -1;
  return NEXT(syscall)(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}

FIND(clock_gettime)
INJECTED int clock_gettime(clockid_t clock, timespec *time) noexcept {
  const int result = NEXT(clock_gettime)(clock, time);
  if (result == 0)
    shift(*time, clock);
  return result;
}

FIND(gettimeofday)
INJECTED int gettimeofday(timeval *time, void *zone) noexcept {
  const int result = NEXT(gettimeofday)(time, zone);
  if (result == 0 && is_meant())
    time->tv_sec += injection->wall_clock_s;
  return result;
}
// NOLINTEND(readability-inconsistent-declaration-parameter-name, cert-dcl50-cpp)
