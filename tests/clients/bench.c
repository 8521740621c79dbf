/* SPDX-License-Identifier: Apache-2.0 */
/* The C library's part in the benchmarks of other clients: bench SOCKET REQUESTS IN_FLIGHT calls bench/tiny so often, and prints
 * requests per second and the median of their times in microseconds. */
#include <lethe.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double *times;
static size_t answered;

static double now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void completed(void *user, lethe_reply *reply) {
  if (!lethe_reply_ok(reply)) {
    fprintf(stderr, "%s\n", lethe_reply_message(reply));
    exit(1);
  }
  lethe_reply_free(reply);
  double *time = user;
  *time = now_us() - *time;
  answered += 1;
}

static int earlier(const void *a, const void *b) {
  const double left = *(const double *)a, right = *(const double *)b;
  return (left > right) - (left < right);
}

int main(int count, char **words) {
  if (count != 4)
    return 2;
  const size_t requests = strtoul(words[2], NULL, 10), in_flight = strtoul(words[3], NULL, 10);
  lethe_client *client = lethe_connect(words[1], 1000, NULL);
  if (!client)
    return 1;
  times = calloc(requests, sizeof *times);
  const lethe_value arguments = {"\x91\x01", 2};
  const double begin = now_us();
  for (size_t sent = 0; answered < requests;) {
    for (; sent < requests && sent - answered < in_flight; ++sent) {
      times[sent] = now_us();
      lethe_call_async(client, "bench/tiny", "f", arguments, NULL, completed, &times[sent]);
    }
    lethe_dispatch(client, 1000);
  }
  const double took = now_us() - begin;
  qsort(times, requests, sizeof *times, earlier);
  printf("%.0f %.1f\n", (double)requests / took * 1e6, times[requests / 2]);
  lethe_close(client);
  free(times);
  return 0;
}
