// SPDX-License-Identifier: Apache-2.0
// The system calls that remain to the process which evaluates preload files: memory, and the pipe to
// its parent.
#pragma once

#include "daemon/confinement/system_call_filter.h"

#include <cerrno>
#include <sys/mman.h>

namespace lethe {

inline constexpr CallRow snapshot_rows[] = {
    {LETHE_CALL(write), 0, "the pipe, and the console to standard error"},
    {LETHE_CALL(mmap),
     0,
     "memory; none that is shared",
     {call_argument::within(2, PROT_READ | PROT_WRITE | PROT_EXEC),
      call_argument::flags(3, MAP_PRIVATE, MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK | MAP_FIXED)}},
    {LETHE_CALL(munmap), 0, "memory"},
    {LETHE_CALL(mremap), 0, "memory"},
    {LETHE_CALL(mprotect), 0, "memory"},
    {LETHE_CALL(pkey_mprotect), 0, "memory", {call_argument::is(3, 0)}},
    {LETHE_CALL(madvise), 0, "memory", {call_argument::is(2, MADV_DONTNEED)}},
    {LETHE_CALL(madvise), 0, "V8 from 12 on", {call_argument::is(2, MADV_DONTFORK)}},
    {LETHE_CALL(brk), 0, "memory"},
    {LETHE_CALL(futex), 0, "locks"},
    {LETHE_CALL(sched_yield), 0, "locks"},
    {LETHE_CALL(getrandom), 0, "random bytes"},
    {LETHE_CALL(getrusage), 0, "V8's statistics"},
    {LETHE_CALL(clock_gettime), 0, "where the vDSO can't"},
    {LETHE_CALL(rt_sigprocmask), 0, "abort"},
    {LETHE_CALL(rt_sigaction), EACCES, "abort"},
    {LETHE_CALL(getpid), 0, "abort; the C library"},
    {LETHE_CALL(gettid), 0, "abort; V8's locks"},
    {LETHE_CALL(tgkill), EACCES, "abort, which then ends the process by itself"},
    {LETHE_CALL(fstat), EACCES, "streams of the C library"},
    {LETHE_CALL(exit_group), 0, "the end"},
};

} // namespace lethe
