// SPDX-License-Identifier: Apache-2.0
// Clients under load: each thread calls function greet of script hello, one call after the other,
// until SIGTERM comes. All but one keep their connection, that one connects anew for each call.
// usage: load THREADS   Prints then, one a line: results, each error's code with its count, the
// longest time between two results of any thread in ms. Built against the installed liblethe-dev.
#include <lethe.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { most_threads = 256, most_codes = 16, code_bytes = 32 };

static atomic_bool stopping;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; // of all below
static long results;
static double last_result_ms, longest_gap_ms;
static struct {
  char code[code_bytes];
  long count;
} errors[most_codes];

static double now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void count_result(void) {
  const double now = now_ms();
  pthread_mutex_lock(&lock);
  if (results++ > 0 && now - last_result_ms > longest_gap_ms)
    longest_gap_ms = now - last_result_ms;
  last_result_ms = now;
  pthread_mutex_unlock(&lock);
}

static void count_error(const char *code) {
  pthread_mutex_lock(&lock);
  for (size_t i = 0; i < most_codes; ++i) {
    if (errors[i].count == 0)
      snprintf(errors[i].code, code_bytes, "%s", code);
    if (strcmp(errors[i].code, code) == 0) {
      ++errors[i].count;
      break;
    }
  }
  pthread_mutex_unlock(&lock);
}

static void count_reply(lethe_reply *reply) {
  const char *text = NULL;
  size_t size = 0;
  if (!lethe_reply_ok(reply))
    count_error(lethe_reply_code(reply));
  else if (lethe_value_bytes(lethe_reply_value(reply), &text, &size) && size == 12 &&
           memcmp(text, "Hello, load!", 12) == 0)
    count_result();
  else
    count_error("wrong_result");
  lethe_reply_free(reply);
}

static lethe_client *connect_or_count(void) {
  lethe_reply *error = NULL;
  lethe_client *client = lethe_connect(NULL, 20000, &error);
  if (!client)
    count_reply(error);
  return client;
}

static void *run(void *connects_anew) {
  lethe_client *client = connect_or_count();
  lethe_builder *arguments = lethe_builder_new();
  lethe_build_array(arguments, 1);
  lethe_build_string(arguments, "load", LETHE_TEXT);
  lethe_options options = LETHE_OPTIONS_INIT;
  options.deadline_ms = 60000;
  while (client && !atomic_load(&stopping)) {
    count_reply(lethe_call(client, "hello", "greet", lethe_builder_value(arguments), &options));
    if (connects_anew) {
      lethe_close(client);
      client = connect_or_count();
    }
  }
  lethe_builder_free(arguments);
  lethe_close(client);
  return NULL;
}

int main(int count, char **words) {
  const int threads = count == 2 ? atoi(words[1]) : 0;
  if (threads < 1 || threads > most_threads)
    return 2;
  sigset_t terminate;
  sigemptyset(&terminate);
  sigaddset(&terminate, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &terminate, NULL);
  pthread_t ids[most_threads];
  for (int i = 0; i < threads; ++i)
    pthread_create(&ids[i], NULL, run, i == 0 ? &stopping : NULL);
  int received;
  sigwait(&terminate, &received);
  atomic_store(&stopping, true);
  for (int i = 0; i < threads; ++i)
    pthread_join(ids[i], NULL);
  printf("results %ld\n", results);
  for (size_t i = 0; i < most_codes && errors[i].count > 0; ++i)
    printf("%s %ld\n", errors[i].code, errors[i].count);
  printf("longest_gap_ms %.0f\n", longest_gap_ms);
  return 0;
}
