// SPDX-License-Identifier: Apache-2.0
// The floor of any worker: sends back what it gets, each message by a write of its own, because a
// reply must not wait for the next request's run. usage: echo LISTEN_PATH MESSAGE_BYTES
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int count, char **arguments) {
  if (count != 3) {
    fprintf(stderr, "usage: %s LISTEN_PATH MESSAGE_BYTES\n", arguments[0]);
    return 2;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, arguments[1], sizeof address.sun_path - 1);
  const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1)) {
    perror(arguments[1]);
    return 1;
  }
  const int client = accept(listener, NULL, NULL);
  const size_t message_bytes = (size_t)atoi(arguments[2]);
  static char bytes[1 << 18];
  size_t waiting = 0; // the beginning of a message that is not complete
  for (ssize_t received; (received = read(client, bytes + waiting, sizeof bytes - waiting)) > 0;) {
    const size_t end = waiting + (size_t)received;
    size_t begin = 0;
    for (; begin + message_bytes <= end; begin += message_bytes)
      if (write(client, bytes + begin, message_bytes) != (ssize_t)message_bytes)
        return 1;
    waiting = end - begin;
    memmove(bytes, bytes + begin, waiting);
  }
  return 0;
}
