/* SPDX-License-Identifier: Apache-2.0 */
/* liblethe: JavaScript calls to a Lethe daemon from C. The C++ face of it is lethe.hpp. */
#ifndef LETHE_H
#define LETHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LETHE_API __attribute__((visibility("default")))

/*
 * Rules for all functions.
 *
 * Threads: a client may be used by any number of threads at once, also for synchronous calls: one
 * waiting thread drives the socket for all, the others sleep until their reply is there. A request,
 * a reply, a builder and a host call belong to one thread at a time. After fork() the child must
 * not use its parent's clients.
 *
 * Handlers (completions, console, statistics, host calls) run without any lock, so that they may
 * call this library, and one at a time for each request. Those of a request that a thread waits for
 * (lethe_call(), lethe_wait(), …) run on that thread; all others run in lethe_dispatch().
 *
 * Blocking: nothing waits longer than the limit given to it, connecting included.
 *
 * Memory: what a function of the library returns as `*` is the caller's, to be given back to the
 * function named there. A `const char *` or a lethe_value belongs to the object it was asked from.
 * When memory runs out the process ends, as with the C++ library beneath.
 *
 * Sizes are bytes. LETHE_TEXT as the size of a text means: it ends with a NUL.
 */
#define LETHE_TEXT SIZE_MAX

typedef struct lethe_client lethe_client;   /* a connection that is made again when it is lost */
typedef struct lethe_request lethe_request; /* a request in flight */
typedef struct lethe_reply lethe_reply;     /* a result or an error */
typedef struct lethe_builder lethe_builder; /* makes values */
typedef struct lethe_host_call lethe_host_call; /* a script's call to this program */

/* "0.1.0" */
LETHE_API const char *lethe_version(void);

/* --- values --- */

/*
 * A value is one MessagePack value as bytes that someone else owns: made by a builder, part of a
 * reply, or the caller's own from any MessagePack library. {NULL, 0} is "none". The functions below
 * read it in place and are safe on any bytes; what is asked of a value of another type, or of none,
 * gives false or none. Finding an element walks over those before it.
 */
typedef struct lethe_value {
  const void *data;
  size_t size;
} lethe_value;

typedef enum lethe_type {
  LETHE_NONE, /* no value, or not MessagePack */
  LETHE_NIL,
  LETHE_BOOLEAN,
  LETHE_INTEGER,
  LETHE_FLOAT,
  LETHE_STRING,
  LETHE_BINARY,
  LETHE_ARRAY,
  LETHE_MAP,
  LETHE_TIMESTAMP, /* a JavaScript Date */
  LETHE_EXTENSION  /* any other extension of MessagePack, or a timestamp that is none */
} lethe_type;

LETHE_API lethe_type lethe_value_type(lethe_value value);
LETHE_API bool lethe_value_boolean(lethe_value value, bool *result);
/* An integer that fits. */
LETHE_API bool lethe_value_int64(lethe_value value, int64_t *result);
LETHE_API bool lethe_value_uint64(lethe_value value, uint64_t *result);
/* A float, or an integer converted. */
LETHE_API bool lethe_value_double(lethe_value value, double *result);
/* A string (UTF-8, not NUL-terminated) or binary. */
LETHE_API bool lethe_value_bytes(lethe_value value, const char **bytes, size_t *size);
/* Seconds since 1970 in UTC and the nanoseconds on top of them. */
LETHE_API bool lethe_value_timestamp(lethe_value value, int64_t *seconds, uint32_t *nanoseconds);
/* Elements of an array, pairs of a map; else 0. */
LETHE_API size_t lethe_value_count(lethe_value value);
/* A map's value under a string key; an array's element. None if it is not there. */
LETHE_API lethe_value lethe_value_get(lethe_value map, const char *key);
LETHE_API lethe_value lethe_value_at(lethe_value array, size_t index);

/* Goes through an array or a map in one walk. Members are the library's own. */
typedef struct lethe_iterator {
  lethe_value rest;
  size_t left;
  bool map;
} lethe_iterator;

LETHE_API lethe_iterator lethe_iterate(lethe_value array_or_map);
/* The next element; of a map with its key, else *key is none. False: there are no more.
 * `key` may be NULL. */
LETHE_API bool lethe_next(lethe_iterator *iterator, lethe_value *key, lethe_value *element);

/*
 * The value as JSON text, NUL-terminated, to be given to lethe_free(); *size (may be NULL) gets its
 * length. `indent`: spaces for each level; 0: all on one line. NULL if it is not one value.
 * What JSON doesn't have is written so (and read back so by lethe_build_json(), Dates aside):
 *   binary {"$bin": base64}                integer beyond ±(2^53-1) {"$bigint": "9007199254740993"}
 *   Date   "2026-01-31T12:00:00.000Z"      NaN, infinities  {"$number": "NaN" | "Infinity" | …}
 *   map with keys that are not strings  {"$map": [[key, value], …]}
 *   other extensions  {"$extension": [type, base64]}
 */
LETHE_API char *lethe_value_to_json(lethe_value value, unsigned indent, size_t *size);
LETHE_API void lethe_free(void *text);

/* --- building values --- */

/* Values are appended; after lethe_build_array(b, n) come n values, after lethe_build_map(b, n) n
 * pairs of key and value. */
LETHE_API lethe_builder *lethe_builder_new(void);
LETHE_API void lethe_builder_free(lethe_builder *builder); /* NULL is allowed */
LETHE_API void lethe_builder_clear(lethe_builder *builder);
/* What was built, valid until the builder is used again; none unless it is exactly one value. */
LETHE_API lethe_value lethe_builder_value(const lethe_builder *builder);

LETHE_API void lethe_build_nil(lethe_builder *builder);
LETHE_API void lethe_build_boolean(lethe_builder *builder, bool value);
LETHE_API void lethe_build_int64(lethe_builder *builder, int64_t value);
LETHE_API void lethe_build_uint64(lethe_builder *builder, uint64_t value);
LETHE_API void lethe_build_double(lethe_builder *builder, double value);
LETHE_API void lethe_build_string(lethe_builder *builder, const char *text, size_t size);
LETHE_API void lethe_build_binary(lethe_builder *builder, const void *bytes, size_t size);
LETHE_API void lethe_build_timestamp(lethe_builder *builder, int64_t seconds, uint32_t nanoseconds);
LETHE_API void lethe_build_array(lethe_builder *builder, uint32_t count);
LETHE_API void lethe_build_map(lethe_builder *builder, uint32_t pairs);
/* A copy of a value; nil if it is none. */
LETHE_API void lethe_build_value(lethe_builder *builder, lethe_value value);
/*
 * A value from JSON text. Numbers mean what they mean to JSON.parse(), so that an integer beyond
 * 2^53 loses digits unless it is written {"$bigint": "…"}; {"$date": "2026-01-31T12:00:00Z"} makes
 * a Date; the other forms are those of lethe_value_to_json(). Returns false, builds nothing and
 * sets *error (may be NULL; to be given to lethe_reply_free()) if it is not JSON.
 */
LETHE_API bool lethe_build_json(lethe_builder *builder, const char *text, size_t size,
                                lethe_reply **error);

/* --- replies --- */

/*
 * An error is a map {code, message, …}. Codes and keys are those of the protocol ("script_error",
 * "deadline_exceeded", …), and three of the library's own:
 *   "unreachable"      no connection; the request was surely not run
 *   "connection_lost"  the connection ended before the reply came; the request may have been run
 *   "timed_out"        no reply within timeout_ms, the request was cancelled; it may have been run
 * The library never sends a request a second time. One that was not sent when its connection ended
 * waits for the next, for as long as connecting may take; one that is cancelled or times out before
 * it is sent never is.
 */
LETHE_API bool lethe_reply_ok(const lethe_reply *reply);
/* The result, or the error's map. */
LETHE_API lethe_value lethe_reply_value(const lethe_reply *reply);
/* Of an error, NUL-terminated; NULL for a result. */
LETHE_API const char *lethe_reply_code(const lethe_reply *reply);
LETHE_API const char *lethe_reply_message(const lethe_reply *reply);
LETHE_API void lethe_reply_free(lethe_reply *reply); /* NULL is allowed */

/* --- connection --- */

/*
 * Connects to the daemon's socket at `path`; NULL: $LETHE_SOCKET, else /run/lethe/lethe.sock.
 * `connect_timeout_ms`: for how long it tries, here and when a request finds the connection lost;
 * 0: one attempt. Between attempts it waits 10 ms and more, doubling up to 1 s, with jitter, also
 * from one request to the next.
 * Returns NULL and sets *error (may be NULL; lethe_reply_free()) if there is no connection.
 */
LETHE_API lethe_client *lethe_connect(const char *path, int64_t connect_timeout_ms,
                                      lethe_reply **error);
/*
 * What the daemon's administrator has set otherwise: more requests than `max_in_flight` (256) wait
 * here for their turn, within their timeouts; one of more bytes than `max_message_bytes` (16 MiB)
 * is refused ("too_large"), as the daemon would end the connection for it.
 */
LETHE_API void lethe_set_limits(lethe_client *client, size_t max_in_flight,
                                size_t max_message_bytes);
/* Ends the connection, also for copies of it in forked processes, which cancels what is in flight: completions not yet called are called from
 * here with error "cancelled", and requests that are waited for by handle get it. No other thread
 * may be inside a function of this client. NULL is allowed. */
LETHE_API void lethe_close(lethe_client *client);

/* --- requests that wait for their reply --- */

/* Options of call, eval and chain; what is 0 or NULL is left to the daemon. A request that asks for
 * more than its pool allows is refused ("invalid_request"). Begin with LETHE_OPTIONS_INIT; NULL in
 * place of options is all defaults. */
typedef struct lethe_options {
  size_t struct_size;
  const char *pool;
  const char *isolation; /* "rewind", "process" or "reuse"; only stricter than the pool's */
  const char *trace;     /* copied to the daemon's log */
  lethe_value globals;   /* eval: a map of global variables */
  int64_t deadline_ms;   /* from the daemon's receipt to its reply; up to 60 s, if not configured */
  int64_t cpu_ms;
  int64_t memory_mb;
  int64_t timeout_ms; /* how long the library waits, in case that the daemon doesn't keep the
                         deadline; 0: deadline_ms + 5 s, or 60 s without deadline_ms */
  bool console;       /* console output comes to the console handler */
  bool stats;         /* figures come to the statistics handler */
  bool idempotent;    /* may be run once more if its worker died through no fault of the script */
  bool fetch;         /* call: the arguments are a request and an environment, see lethe_fetch() */
} lethe_options;
#define LETHE_OPTIONS_INIT                                                                         \
  { .struct_size = sizeof(lethe_options) }

typedef struct lethe_step {
  const char *script;
  const char *function;
} lethe_step;

/* A request for a Workers-like module, `export default { fetch(request, env, ctx) }`. What is 0 or
 * NULL may be left out but for the url. Begin with LETHE_FETCH_INIT. */
typedef struct lethe_header {
  const char *name;
  const char *value;
} lethe_header;
typedef struct lethe_fetch_request {
  size_t struct_size;
  const char *url;    /* absolute */
  const char *method; /* NULL: POST if there is a body, else GET */
  const lethe_header *headers;
  size_t header_count;
  const void *body; /* NULL: none */
  size_t body_size;
  lethe_value env;      /* a map, the function's second argument */
  const char *function; /* NULL: "default.fetch" */
} lethe_fetch_request;
#define LETHE_FETCH_INIT                                                                           \
  { .struct_size = sizeof(lethe_fetch_request) }

/* Each returns a reply, never NULL, to be given to lethe_reply_free(). */

/* `arguments` is an array; none: no arguments. */
LETHE_API lethe_reply *lethe_call(lethe_client *client, const char *script, const char *function,
                                  lethe_value arguments, const lethe_options *options);
/* The result is a map {status, statusText, headers: [[name, value], …], body}, names of headers in
 * lower case, `body` binary or nil. */
LETHE_API lethe_reply *lethe_fetch(lethe_client *client, const char *script,
                                   const lethe_fetch_request *request,
                                   const lethe_options *options);
LETHE_API lethe_reply *lethe_eval(lethe_client *client, const char *source, size_t size,
                                  const lethe_options *options);
LETHE_API lethe_reply *lethe_chain(lethe_client *client, const lethe_step *steps, size_t count,
                                   lethe_value input, const lethe_options *options);
/* Any method of the protocol, "script.put" for instance. `params` is an array; none: empty.
 * `timeout_ms` 0: 60 s. */
LETHE_API lethe_reply *lethe_invoke(lethe_client *client, const char *method, lethe_value params,
                                    int64_t timeout_ms);

/* --- requests that don't wait --- */

/* Gets the reply, to be given to lethe_reply_free(), from lethe_dispatch(). */
typedef void (*lethe_completion)(void *user, lethe_reply *reply);

/*
 * Each sends its request at once, or keeps it until the connection is there, and returns. With a
 * completion: the handle is good for lethe_cancel() and lethe_request_id() until the completion has
 * been called, and is not to be freed. Without (NULL): lethe_wait() gets the reply, and
 * lethe_request_free() must be called. Many may be in flight; replies come in any order.
 */
LETHE_API lethe_request *lethe_call_async(lethe_client *client, const char *script,
                                          const char *function, lethe_value arguments,
                                          const lethe_options *options, lethe_completion completion,
                                          void *user);
LETHE_API lethe_request *lethe_fetch_async(lethe_client *client, const char *script,
                                           const lethe_fetch_request *request,
                                           const lethe_options *options,
                                           lethe_completion completion, void *user);
LETHE_API lethe_request *lethe_eval_async(lethe_client *client, const char *source, size_t size,
                                          const lethe_options *options, lethe_completion completion,
                                          void *user);
LETHE_API lethe_request *lethe_chain_async(lethe_client *client, const lethe_step *steps,
                                           size_t count, lethe_value input,
                                           const lethe_options *options,
                                           lethe_completion completion, void *user);
LETHE_API lethe_request *lethe_invoke_async(lethe_client *client, const char *method,
                                            lethe_value params, int64_t timeout_ms,
                                            lethe_completion completion, void *user);

/* Waits for the reply for at most `limit_ms` (negative: until the request's own timeout). NULL: not
 * yet, or already taken. */
LETHE_API lethe_reply *lethe_wait(lethe_request *request, int64_t limit_ms);
/* Asks the daemon to give the request up; its reply, mostly error "cancelled", still comes. */
LETHE_API void lethe_cancel(lethe_request *request);
/* The number by which console and statistics handlers know it. */
LETHE_API uint32_t lethe_request_id(const lethe_request *request);
/* Also cancels it if it is still in flight. NULL is allowed. */
LETHE_API void lethe_request_free(lethe_request *request);

/* A descriptor that is readable when lethe_dispatch() has something to do. It stays the same over
 * reconnections, is the library's, and is good for nothing but poll, epoll and the like. */
LETHE_API int lethe_descriptor(const lethe_client *client);
/* Reads and writes what there is and calls completions and handlers; waits for at most `limit_ms`
 * for the first. Returns how many it called. */
LETHE_API size_t lethe_dispatch(lethe_client *client, int64_t limit_ms);

/* --- handlers --- */

/* Set them before the requests that need them. `user` is passed through. NULL removes one. */

/* console.log() and so on of a request with the option console. `level`: "log", "error", … */
typedef void (*lethe_console_handler)(void *user, uint32_t request_id, const char *level,
                                      const char *text, size_t size);
LETHE_API void lethe_on_console(lethe_client *client, lethe_console_handler handler, void *user);

/* The figures of a request with the option stats: a map, valid during the call. */
typedef void (*lethe_stats_handler)(void *user, uint32_t request_id, lethe_value figures);
LETHE_API void lethe_on_stats(lethe_client *client, lethe_stats_handler handler, void *user);

/*
 * A script's `await host.call(name, ...)`. The handler owns `call` and answers it exactly once with
 * lethe_host_reply() or lethe_host_fail(), at once or later, from any thread, before lethe_close().
 * `name` NULL: all names that have no handler of their own; without one these get an error.
 */
typedef void (*lethe_host_handler)(void *user, lethe_host_call *call);
LETHE_API void lethe_on_host_call(lethe_client *client, const char *name,
                                  lethe_host_handler handler, void *user);
LETHE_API const char *lethe_host_call_name(const lethe_host_call *call);
LETHE_API lethe_value lethe_host_call_arguments(const lethe_host_call *call); /* an array */
LETHE_API uint32_t lethe_host_call_request_id(const lethe_host_call *call);
/* Both end the call: the script's promise is resolved with `result` (none: null; what is not one
 * value: it is rejected with code "invalid_value") or rejected. */
LETHE_API void lethe_host_reply(lethe_host_call *call, lethe_value result);
LETHE_API void lethe_host_fail(lethe_host_call *call, const char *code, const char *message);

#ifdef __cplusplus
}
#endif

#endif
