// SPDX-License-Identifier: Apache-2.0
// Stop signals and the parent-death signal.
#include "daemon/worker/process_signals.h"
#include "daemon/engine/globals.h"
#include "ipc/messages.h"

#include <cerrno>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace lethe {
namespace {

constexpr int master_end_ms = 100; // for its end, once it has closed a channel

void end_if_orphan(int) {
  const int saved = errno;
  pollfd poll_for{process_globals.channel, POLLRDHUP, 0};
  const timespec now{}; // ppoll: a worker has no other
  if (::ppoll(&poll_for, 1, &now, nullptr) > 0 &&
      (poll_for.revents & (POLLHUP | POLLRDHUP | POLLNVAL)) != 0)
    _exit(exit_clean);
  errno = saved;
}

} // namespace

void ignore_stop_signals() {
  for (const int signal : {SIGHUP, SIGINT, SIGTERM, SIGPIPE})
    ::signal(signal, SIG_IGN);
}

void end_with_master(int channel) {
  process_globals.channel = channel;
  if (process_globals.master < 0) // the first zygote, its child
    process_globals.master = static_cast<int>(::syscall(SYS_pidfd_open, ::getppid(), 0));
  struct sigaction action {};
  action.sa_handler = end_if_orphan;
  action.sa_flags = SA_RESTART;
  sigfillset(&action.sa_mask);
  sigaction(orphan_signal, &action, nullptr);
  ::prctl(PR_SET_PDEATHSIG, orphan_signal);
  end_if_orphan(0); // the parent may have died just before
}

void end_after_master() {
  // Readable only when all descriptors of the master are closed. It may also have dropped just this
  // generation, and live on.
  pollfd poll_for{process_globals.master, POLLIN, 0};
  ::poll(&poll_for, 1, master_end_ms);
  _exit(exit_clean);
}

} // namespace lethe
