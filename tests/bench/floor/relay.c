// SPDX-License-Identifier: Apache-2.0
// The floor of any master between clients and workers: passes bytes on between a client's socket
// and the echo's, in both directions, and does nothing else. usage: relay LISTEN_PATH ECHO_PATH
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int unix_socket(const char *path, struct sockaddr_un *address) {
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  strncpy(address->sun_path, path, sizeof address->sun_path - 1);
  return socket(AF_UNIX, SOCK_STREAM, 0);
}

static void pass_on(int from, int to) {
  static char bytes[1 << 18];
  const ssize_t count = read(from, bytes, sizeof bytes);
  if (count <= 0)
    exit(count < 0);
  for (ssize_t done = 0; done < count;) {
    const ssize_t written = write(to, bytes + done, (size_t)(count - done));
    if (written < 0)
      exit(1);
    done += written;
  }
}

int main(int count, char **arguments) {
  if (count != 3) {
    fprintf(stderr, "usage: %s LISTEN_PATH ECHO_PATH\n", arguments[0]);
    return 2;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  struct sockaddr_un address;
  const int listener = unix_socket(arguments[1], &address);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1)) {
    perror(arguments[1]);
    return 1;
  }
  const int echo = unix_socket(arguments[2], &address);
  if (connect(echo, (struct sockaddr *)&address, sizeof address)) {
    perror(arguments[2]);
    return 1;
  }
  const int client = accept(listener, NULL, NULL);
  const int poll = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = client};
  epoll_ctl(poll, EPOLL_CTL_ADD, client, &event);
  event.data.fd = echo;
  epoll_ctl(poll, EPOLL_CTL_ADD, echo, &event);
  for (;;) {
    struct epoll_event events[2];
    const int ready = epoll_wait(poll, events, 2, -1);
    for (int i = 0; i < ready; ++i)
      pass_on(events[i].data.fd, events[i].data.fd == client ? echo : client);
  }
}
