#!/bin/bash
# One would guess: event_add() says whether the event was added. Where the kernel can't watch a descriptor, a regular file for
# instance, it returns -1, with and without EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST: that flag only saves system calls.
#
# What happens: with the flag the kernel is asked when the loop next waits, long after event_add() has returned 0. That it refused
# is a warning on standard error, or in the log callback, and nothing else: event_pending() goes on saying that the event waits,
# event_base_get_num_events() counts it, and event_base_loop(), which without the flag returns 1 as there is nothing to wait for,
# waits for ever. The callback is never called, not even with an error.
#
# Who meets it: servers whose standard input or log is a pipe in production and a file under a test or "< /dev/null"; programs that
# reach the limit of fs.epoll.max_user_watches, where a connection that was accepted then hangs instead of being closed.
#
# Documented: no; event.h warns of descriptors that were duplicated, for which the flag is unsafe.
# Seen with libevent 2.1.12-stable-8+deb12u1, gcc 12.2 (Debian 12), Linux 6.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
apt-get -q -o APT::Sandbox::User=root download libevent-dev=2.1.12-stable-8+deb12u1 libevent-core-2.1-7=2.1.12-stable-8+deb12u1 >/dev/null
for package in ./*.deb; do dpkg-deb -x "$package" .; done
cat > add.c <<'C'
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>

static void called(evutil_socket_t file, short what, void *nothing) {
  (void)file, (void)what, (void)nothing;
  printf("called\n");
}

int main(int count, char **words) {
  (void)words;
  struct event_config *config = event_config_new();
  if (count > 1)
    event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
  struct event_base *base = event_base_new_with_config(config);
  struct event *event = event_new(base, open("add.c", O_RDONLY), EV_READ | EV_PERSIST, called, NULL);
  printf("%s: event_add %d", event_base_get_method(base), event_add(event, NULL));
  const int loop = event_base_loop(base, EVLOOP_NONBLOCK);
  printf(", loop %d, pending %d, events %d\n", loop, event_pending(event, EV_READ, NULL) != 0,
         event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED));
}
C
libraries=usr/lib/$(gcc -print-multiarch)
gcc -Iusr/include "-Iusr/include/$(gcc -print-multiarch)" add.c "$libraries"/libevent_core.a -o add
basename ./libevent-dev*.deb
{ ./add; ./add changelist; } 2> warnings | tee result
cat warnings
[ "$(grep -c 'Epoll ADD.*Operation not permitted' warnings)" = 2 ]
diff result - <<'R'
epoll: event_add -1, loop 1, pending 0, events 0
epoll (with changelist): event_add 0, loop 0, pending 1, events 1
R
