/* SPDX-License-Identifier: Apache-2.0 */
/* Many calls in flight from one thread with an event loop (here: poll).
 *   lethe script put hello client/examples/hello.js
 *   cc -o event_loop event_loop.c $(pkg-config --cflags --libs lethe) && ./event_loop */
#include <lethe.h>
#include <poll.h>
#include <stdio.h>

enum { calls = 1000, at_once = 100 }; /* the daemon limits how many may be in flight */

static lethe_client *client;
static int started, finished, failed;

static void start_next(void);

static void completed(void *user, lethe_reply *reply) {
  (void)user;
  ++finished;
  if (!lethe_reply_ok(reply)) {
    ++failed;
    fprintf(stderr, "%s: %s\n", lethe_reply_code(reply), lethe_reply_message(reply));
  }
  lethe_reply_free(reply);
  start_next();
}

static void start_next(void) {
  if (started == calls)
    return;
  ++started;
  lethe_builder *arguments = lethe_builder_new();
  lethe_build_array(arguments, 1);
  lethe_build_int64(arguments, started);
  lethe_call_async(client, "hello", "greet", lethe_builder_value(arguments), NULL, completed, NULL);
  lethe_builder_free(arguments);
}

int main(void) {
  lethe_reply *error = NULL;
  client = lethe_connect(NULL, 1000, &error);
  if (!client) {
    fprintf(stderr, "%s\n", lethe_reply_message(error));
    lethe_reply_free(error);
    return 1;
  }
  for (int i = 0; i < at_once; ++i)
    start_next();
  while (finished < calls) {
    struct pollfd descriptor = {lethe_descriptor(client), POLLIN, 0};
    poll(&descriptor, 1, -1); /* an event loop of your choice */
    lethe_dispatch(client, 0);
  }
  lethe_close(client);
  printf("%d calls, %d failed\n", finished, failed);
  return failed > 0;
}
