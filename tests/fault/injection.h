// SPDX-License-Identifier: Apache-2.0
// System calls that fail in a running lethed, lethe-snapshot, its zygotes or its workers: what a test
// and the library in them (injector/) share.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

namespace lethe::test {

// The functions of the C library that make them; `file_read` and `file_write` are read and write of
// regular files, as those of pipes do not fail; `stat` is access, too, `poll` ppoll, `mprotect`
// pkey_mprotect; `duplicate` is fcntl's F_DUPFD, `seal` its F_ADD_SEALS, `epoll_add` is epoll_ctl's
// EPOLL_CTL_ADD, `wait` what waits for an end, `mount` and `landlock` all that do with these.
#define LETHE_INJECTED_CALLS(call)                                                                 \
  call(open) call(fopen) call(opendir) call(mkdir) call(stat) call(lstat) call(fstat)              \
      call(file_read) call(file_write) call(pread) call(pwrite) call(ftruncate) call(fsync)        \
          call(rename) call(link) call(unlink) call(flock) call(pipe2) call(socket)                \
              call(socketpair) call(bind) call(listen) call(connect) call(accept4) call(send)      \
                  call(sendmsg) call(recv) call(recvmsg) call(duplicate) call(memfd_create)        \
                      call(seal) call(mmap) call(munmap) call(mprotect) call(madvise) call(ioctl)  \
                          call(fork) call(wait) call(pidfd_open) call(pidfd_send_signal)           \
                              call(signalfd) call(timer_create) call(setrlimit) call(close_range)  \
                                  call(unshare) call(mount) call(capset) call(landlock)            \
                                      call(seccomp) call(epoll_create1) call(epoll_add)            \
                                          call(epoll_wait) call(poll)

enum class Call : uint32_t {
#define LETHE_ROW(name) name,
  LETHE_INJECTED_CALLS(LETHE_ROW)
#undef LETHE_ROW
};

inline constexpr std::string_view call_names[] = {
#define LETHE_ROW(name) #name,
    LETHE_INJECTED_CALLS(LETHE_ROW)
#undef LETHE_ROW
};
inline constexpr size_t call_count = std::size(call_names);

// Whose calls are meant: of lethed with what it forks for itself, of lethe-snapshot, of all zygotes, of
// all workers.
enum class Role : uint32_t { none, master, snapshot, zygote, worker };

// In a file that all map. All zero: nothing is injected, calls are counted.
struct Injection {
  std::atomic<Role> role;                              // before lethed is started
  std::array<std::atomic<uint64_t>, call_count> calls; // made so far, of each kind
  std::atomic<Call> call;                              // the kind that is meant
  std::atomic<uint64_t> first, times;                  // from the how manieth on, and how many
  std::atomic<int> error;                              // what they fail with; 0: they only wait
  std::atomic<int64_t> delay_us;                       // before each of them
  std::atomic<uint64_t> hits;                          // so many did
  std::atomic<int64_t> wall_clock_s, uptime_s;         // what its clocks are ahead
};

} // namespace lethe::test
