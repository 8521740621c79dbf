#!/bin/bash
# One would guess: sigqueue(2) with an ordinary signal either queues the signal with its value, or fails with EAGAIN, as the
# manual page says of a full queue (RLIMIT_SIGPENDING, which setrlimit(2) says is for the real user ID).
#
# What happens: over the limit, sigqueue() of a signal below SIGRTMIN says success, and the signal arrives, but its value, its
# sender and even SI_QUEUE are gone: si_code is SI_USER, si_pid and si_value are 0. A real-time signal gets EAGAIN.
#
# Who meets it: whoever tells by the value which job an interrupt is meant for, or by si_pid whether to believe it, and sets
# a small RLIMIT_SIGPENDING as a part of a sandbox. The limit counts all of the *user's* pending signals and POSIX timers, in
# all processes, so another program may use it up.
#
# Documented: not in sigqueue(3), whose EAGAIN reads as if it held for all signals; kernel/signal.c, __send_signal_locked(),
# calls it "a silent loss of information".
# Seen with Linux 6.18 and glibc 2.36 (Debian 12).
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cat > "$scratch/probe.c" <<'C'
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static void probe(const char *name, int number) {
  const union sigval value = {.sival_int = 42};
  const int result = sigqueue(getpid(), number, value);
  if (result != 0) {
    printf("%s: %s\n", name, errno == EAGAIN ? "EAGAIN" : "another error");
    return;
  }
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number);
  siginfo_t info;
  sigwaitinfo(&set, &info);
  printf("%s: success, %s, value %d, sender %s\n", name, info.si_code == SI_QUEUE ? "SI_QUEUE" : "SI_USER",
         info.si_value.sival_int, info.si_pid == getpid() ? "known" : "unknown");
}

int main(void) {
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  sigaddset(&blocked, SIGRTMIN);
  sigprocmask(SIG_BLOCK, &blocked, NULL);
  probe("SIGUSR1 below the limit", SIGUSR1);
  const struct rlimit none = {0, 0};
  setrlimit(RLIMIT_SIGPENDING, &none);
  probe("SIGUSR1 over the limit", SIGUSR1);
  probe("SIGRTMIN over the limit", SIGRTMIN);
}
C
gcc -Wall -o "$scratch/probe" "$scratch/probe.c"
echo "Linux $(uname -r), $(getconf GNU_LIBC_VERSION)"
output=$("$scratch/probe")
echo "$output"
[ "$output" = "SIGUSR1 below the limit: success, SI_QUEUE, value 42, sender known
SIGUSR1 over the limit: success, SI_USER, value 0, sender unknown
SIGRTMIN over the limit: EAGAIN" ] || { echo "this has changed" >&2; exit 1; }
