// SPDX-License-Identifier: Apache-2.0
// The tables of the sandbox: every system call that a worker may make, and why.
//
// Not among them, though one might look for it: close (a worker keeps its socket until it ends);
// timer_create (the kernel counts timers by user, so that one worker could take them from all; the
// CPU timer is there before); rt_sigaction (handlers are installed before, and stay); mincore and
// mremap (nobody needs them).
#pragma once

#include "daemon/confinement/system_call_filter.h"

#include <cerrno>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <vector>

namespace lethe {

namespace sandbox {
using namespace call_argument;

constexpr uint64_t pagemap_scan = 0xc0606610; // the ioctl: _IOWR('f', 16, struct pm_scan_arg)
constexpr uint64_t madv_populate_read = 22;   // Linux 5.14
constexpr uint64_t madv_populate_write = 23;
constexpr uint64_t madv_collapse = 25;       // Linux 6.1
constexpr uint64_t madv_guard_install = 102; // Linux 6.13
constexpr uint64_t madv_guard_remove = 103;
constexpr uint64_t read_write = PROT_READ | PROT_WRITE;
constexpr uint64_t any_protection = read_write | PROT_EXEC;
} // namespace sandbox

// 20 calls, as of mprotect and pkey_mprotect a worker has the one that its processor needs. Those
// whose rows have no condition cost nothing, as the kernel remembers them: so it is with all that
// every request makes.
inline constexpr CallRow worker_rows[] = {
    {LETHE_CALL(recvfrom), 0, "requests, and the client's answers"},
    {LETHE_CALL(ppoll), 0, "waiting for the client or for a timer of a script"},
    {LETHE_CALL(sched_yield), 0, "a worker that stays awake offers its core"},
    {LETHE_CALL(write), 0, "replies; last words to standard error; the working set to the zygote"},
    {LETHE_CALL(getrusage), 0,
     "the rewind: how many page faults there were; it tells of this process and of its children, "
     "and a worker has none"},
    {LETHE_CALL(pread64), 0, "the rewind: its own statm and pagemap, which are open"},
    {LETHE_CALL(ioctl),
     0,
     "the rewind: which pages were written",
     {sandbox::is(1, sandbox::pagemap_scan)}},
    {LETHE_CALL(madvise),
     0,
     "the rewind, V8 and malloc drop pages",
     {sandbox::is(2, MADV_DONTNEED)}},
    {LETHE_CALL(madvise),
     0,
     "the rewind maps pages that it has put back",
     {sandbox::is(2, sandbox::madv_populate_read)}},
    {LETHE_CALL(madvise),
     0,
     "V8 from 12 on, for mappings of its own",
     {sandbox::is(2, MADV_DONTFORK)}},
    {LETHE_CALL(brk), 0, "malloc"},
    // No memory that another process could share, no file, none that grows by itself, no new code.
    {LETHE_CALL(mmap),
     0,
     "malloc where brk has no room; V8 from 12 on",
     {sandbox::within(2, sandbox::read_write),
      sandbox::flags(3, MAP_PRIVATE | MAP_ANONYMOUS, MAP_NORESERVE | MAP_STACK)}},
    {LETHE_CALL(munmap), 0, "the same"},
    // Nothing that it has open may be written otherwise than by itself.
    {LETHE_CALL(mmap),
     0,
     "the rewind: pages of a script's layer, and the image's or nothing in their place",
     {sandbox::behind_program(0), sandbox::within(2, sandbox::read_write),
      sandbox::flags(3, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, MAP_ANONYMOUS)}},
    // From the arena on upwards: the program itself lies below, and with it what tells violations.
    {LETHE_CALL(mprotect),
     0,
     "V8's pages, where the processor has no protection keys",
     {sandbox::from_arena_on(0), sandbox::within(2, sandbox::any_protection)}},
    {LETHE_CALL(pkey_mprotect),
     0,
     "V8's pages, where it has them; none but the key of all pages",
     {sandbox::from_arena_on(0), sandbox::within(2, sandbox::any_protection), sandbox::is(3, 0)}},
    {LETHE_CALL(futex),
     0,
     "a lock's end: there is one thread, nobody waits",
     {sandbox::is(1, FUTEX_WAKE_PRIVATE)}},
    {LETHE_CALL(futex),
     0,
     "Atomics.wait",
     {sandbox::flags(1, FUTEX_WAIT_BITSET_PRIVATE, FUTEX_CLOCK_REALTIME)}},
    {LETHE_CALL(clock_gettime),
     0,
     "CPU time, and where the vDSO can't; not another process's",
     {sandbox::at_most(0, CLOCK_TAI)}},
    {LETHE_CALL(timer_settime), 0, "the limit on CPU time"},
    {LETHE_CALL(getrandom), 0, "random bytes are never taken from memory that is rewound"},
    {LETHE_CALL(rt_sigprocmask), 0, "a signal must not fall between a question and a sleep"},
    {LETHE_CALL(rt_sigreturn), 0, "the way back from an interrupt"},
    {LETHE_CALL(restart_syscall), 0, "a wait goes on after a stop: the kernel makes this call"},
    {LETHE_CALL(exit_group), 0, "the end"},
};

// Refused, but no violation, as what looks for files (file_rows): libraries try these and go on
// without.
inline constexpr CallRow refused_rows[] = {
    // abort() tries all of these, then ends the process by itself: the signal tells that it did.
    {LETHE_CALL(getpid), EACCES, "abort"},
    {LETHE_CALL(gettid), EACCES, "abort"},
    {LETHE_CALL(tgkill), EACCES, "abort"},
    {LETHE_CALL(rt_sigaction), EACCES, "abort"},
    {LETHE_CALL(mremap), ENOMEM, "realloc of what malloc has mapped: it copies instead"},
};

// A worker that debugs has a further thread, and signals to it, for V8's sampling profiler. It is
// for one request of an administrator's.
inline constexpr CallRow debugging_rows[] = {
    {LETHE_CALL(clone),
     0,
     "threads, no processes",
     {sandbox::flags(0, CLONE_THREAD | CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND,
                     CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID |
                         CLONE_CHILD_CLEARTID)}},
    {LETHE_CALL(clone3), ENOSYS, "its flags can't be seen; the C library takes clone instead"},
    {LETHE_CALL(mmap),
     0,
     "a thread's stack",
     {sandbox::within(2, sandbox::read_write),
      sandbox::flags(3, MAP_PRIVATE | MAP_ANONYMOUS, MAP_NORESERVE | MAP_STACK)}},
    {LETHE_CALL(mprotect), 0, "a stack's guard", {sandbox::within(2, sandbox::any_protection)}},
    {LETHE_CALL(set_robust_list), 0, "a thread's start"},
    {LETHE_CALL(rseq), 0, "a thread's start"},
    {LETHE_CALL(prctl), 0, "a thread's name", {sandbox::is(0, PR_SET_NAME)}},
    {LETHE_CALL(sched_getaffinity), 0, "a thread's start"},
    {LETHE_CALL(sched_getparam), 0, "a mutex of V8 13's that another thread holds"},
    {LETHE_CALL(sched_getscheduler), 0, "the same"},
    {LETHE_CALL(exit), 0, "a thread's end"},
    {LETHE_CALL(futex), 0, "threads wait for a lock", {sandbox::is(1, FUTEX_WAIT_PRIVATE)}},
    {LETHE_CALL(futex),
     0,
     "threads wait for the end of another one",
     {sandbox::flags(1, FUTEX_WAIT_BITSET, FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME)}},
    {LETHE_CALL(clock_nanosleep), 0, "between two samples"},
    {LETHE_CALL(nanosleep), 0, "the same"},
    {LETHE_CALL(getpid), 0, "signals to its own threads"},
    {LETHE_CALL(gettid), 0, "threads have numbers"},
    {LETHE_CALL(tgkill), 0, "samples are taken in a handler", {sandbox::is_own_pid(0)}},
    {LETHE_CALL(rt_sigaction),
     0,
     "that handler; not the one for violations",
     {sandbox::is_not(0, SIGSYS)}},
    {LETHE_CALL(timer_create), 0, "the profile's time limit"},
    {LETHE_CALL(timer_delete), 0, "the same"},
    {LETHE_CALL(madvise), 0, "a thread's stack is given back", {sandbox::is(2, MADV_DONTNEED)}},
    {LETHE_CALL(madvise),
     0,
     "a stack's guard, from glibc 2.42 on",
     {sandbox::is(2, sandbox::madv_guard_install)}},
    {LETHE_CALL(madvise),
     0,
     "such a stack is used again",
     {sandbox::is(2, sandbox::madv_guard_remove)}},
};

// A zygote, once it is started: it forks, and makes what its children and the master share. It also
// evaluates the top level of scripts. Its workers' filters come on top of this one, so it must allow
// what they allow. It reads /proc, where there is Landlock nothing else, and writes no file.
inline constexpr CallRow zygote_rows[] = {
    {LETHE_CALL(read), 0, "signals, the maps of its memory"},
    {LETHE_CALL(pwrite64), 0, "the image, into its memfd"},
    {LETHE_CALL(lseek), 0, "streams of the C++ library"},
    {LETHE_CALL(close), 0, "what was given away"},
    {LETHE_CALL(close_range), 0, "a worker's start"},
    {LETHE_CALL(openat),
     0,
     "its own files in /proc, to read them",
     {sandbox::flags(2, O_RDONLY, O_CLOEXEC | O_LARGEFILE | O_DIRECTORY | O_NONBLOCK)}},
    {LETHE_CALL(newfstatat), 0, "how many threads it has"},
    {LETHE_CALL(fstat), 0, "streams of the C++ library"},
    {LETHE_CALL(recvmsg), 0, "the control channel, with descriptors"},
    {LETHE_CALL(sendmsg), 0, "the same"},
    {LETHE_CALL(socketpair), 0, "a worker's channel", {sandbox::is(0, AF_UNIX)}},
    {LETHE_CALL(pipe2), 0, "the working set"},
    {LETHE_CALL(memfd_create), 0, "images, worker pages"},
    {LETHE_CALL(ftruncate), 0, "the same"},
    {LETHE_CALL(fallocate),
     0,
     "memory of layers that no process needs any more",
     {sandbox::is(1, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)}},
    {LETHE_CALL(fcntl), 0, "they are sealed", {sandbox::is(1, F_ADD_SEALS)}},
    {LETHE_CALL(fcntl), 0, "a debugger's socket signals its input", {sandbox::is(1, F_GETFL)}},
    {LETHE_CALL(fcntl), 0, "the same", {sandbox::is(1, F_SETFL)}},
    {LETHE_CALL(fcntl), 0, "the same", {sandbox::is(1, F_SETOWN)}},
    {LETHE_CALL(mmap),
     0,
     "images, worker pages, libraries in huge pages",
     {sandbox::within(2, sandbox::any_protection),
      sandbox::within(3, MAP_PRIVATE | MAP_SHARED | MAP_FIXED | MAP_ANONYMOUS | MAP_NORESERVE |
                             MAP_POPULATE | MAP_STACK)}},
    {LETHE_CALL(mprotect),
     0,
     "V8's pages, a stack's guard",
     {sandbox::within(2, sandbox::any_protection)}},
    {LETHE_CALL(pkey_mprotect),
     0,
     "V8's pages",
     {sandbox::within(2, sandbox::any_protection), sandbox::is(3, 0)}},
    {LETHE_CALL(madvise), 0, "huge pages", {sandbox::is(2, sandbox::madv_collapse)}},
    {LETHE_CALL(madvise),
     0,
     "a worker's start brings in what its request will write",
     {sandbox::is(2, sandbox::madv_populate_write)}},
    {LETHE_CALL(clone),
     0,
     "fork; no namespace, no process that shares memory",
     {sandbox::is(0, CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD)}},
    {LETHE_CALL(wait4), 0, "the ends of its children"},
    {LETHE_CALL(pidfd_open),
     0,
     "for the master, which looks whether it is what is said",
     {sandbox::is(1, 0)}},
    {LETHE_CALL(prctl),
     0,
     "a child hears of the end of its parent",
     {sandbox::is(0, PR_SET_PDEATHSIG)}},
    {LETHE_CALL(prctl), 0, "is it dumpable?", {sandbox::is(0, PR_GET_DUMPABLE)}},
    {LETHE_CALL(prctl),
     0,
     "its own files in /proc are root's while it is not dumpable",
     {sandbox::is(0, PR_SET_DUMPABLE)}},
    {LETHE_CALL(prlimit64), 0, "a worker's limits", {sandbox::is(0, 0)}},
    {LETHE_CALL(seccomp), 0, "a worker's filter", {sandbox::is(0, 1), sandbox::is(1, 0)}},
    {LETHE_CALL(landlock_restrict_self), 0, "a worker's ruleset"},
    {LETHE_CALL(setitimer), 0, "the time limit of the rewind's self-test"},
#ifdef SYS_alarm // not on newer architectures
    {LETHE_CALL(poll), 0, "waiting for the master and for ends"},
    {LETHE_CALL(alarm), 0, "as setitimer"},
#endif
    // tgkill of any process, as its debugging children are not there yet: so only by this signal,
    // which the master ignores. Where Landlock knows signals, only to its own.
    {LETHE_CALL(tgkill), 0, "V8's profiler, in a worker that debugs", {sandbox::is(2, SIGPROF)}},
};

// The table of a process that makes no machine code, without a debugger either: nothing may become
// executable in it.
inline CallTable without_code(CallTable table) {
  const auto any = sandbox::within(2, sandbox::any_protection);
  for (CallRow &row : table)
    for (CallCondition &condition : row.conditions)
      if (condition.kind == any.kind && condition.argument == any.argument &&
          condition.mask == any.mask)
        condition = sandbox::within(2, sandbox::read_write);
  return table;
}

// The whole table of a worker.
inline CallTable worker_table(bool has_protection_keys) {
  CallTable table = join({worker_rows, file_rows, refused_rows});
  const int other = has_protection_keys ? SYS_mprotect : SYS_pkey_mprotect;
  std::erase_if(table, [other](const CallRow &row) { return row.number == other; });
  return table;
}
inline CallTable debugging_table() {
  return join({debugging_rows, worker_rows, file_rows, refused_rows});
}
inline CallTable zygote_table() {
  return join({worker_rows, zygote_rows, debugging_rows, file_rows, refused_rows});
}

} // namespace lethe
