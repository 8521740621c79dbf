// SPDX-License-Identifier: Apache-2.0
// System calls that fail in a running lethed: what a test and the library in it (injector/) share.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

namespace lethe::test {

// The functions of the C library that make them; `file_read` and `file_write` are read and write of
// regular files, as those of pipes do not fail; `duplicate` is fcntl's F_DUPFD, `epoll_add`
// is epoll_ctl's EPOLL_CTL_ADD.
#define LETHE_INJECTED_CALLS(call)                                                                 \
  call(open) call(fopen) call(opendir) call(mkdir) call(stat) call(lstat) call(fstat)              \
      call(file_read) call(file_write) call(fsync) call(rename) call(link) call(unlink)            \
          call(flock) call(pipe2) call(socket) call(socketpair) call(bind) call(listen)            \
              call(connect) call(accept4) call(send) call(sendmsg) call(recv) call(recvmsg)        \
                  call(duplicate) call(mmap) call(fork) call(pidfd_open) call(pidfd_send_signal)   \
                      call(epoll_create1) call(epoll_add) call(epoll_wait) call(poll)

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

// In a file that both map. All zero: nothing is injected, calls are counted.
struct Injection {
  std::array<std::atomic<uint64_t>, call_count> calls; // made so far, of each kind
  std::atomic<Call> call;                              // the kind that is meant
  std::atomic<uint64_t> first, times;                  // from the how manieth on, and how many
  std::atomic<int> error;                              // what they fail with; 0: they only wait
  std::atomic<int64_t> delay_us;                       // before each of them
  std::atomic<uint64_t> hits;                          // so many did
  std::atomic<int64_t> wall_clock_s, uptime_s;         // what its clocks are ahead
};

} // namespace lethe::test
