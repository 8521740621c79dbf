// SPDX-License-Identifier: Apache-2.0
// The load client of `make bench-peers`: the same for every protocol that a peer speaks, so that what
// differs between two peers is not their client.
//
// usage: load PROTOCOL REQUEST IN_FLIGHT MILLISECONDS PATIENCE_MS SOCKET…
//   REQUEST is a file with the bytes of one request. IN_FLIGHT connections, shared out among the Unix
//   sockets, send it again and again, each one at a time, for MILLISECONDS; 0: once. A connection that
//   has no reply for PATIENCE_MS is given up. Prints one line of JSON.
// Good is a reply that has the bytes of the first one: what the first one says, its reader judges.
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { most_connections = 256, most_reply_bytes = 1 << 20 };

struct bytes {
  const uint8_t *data;
  size_t size;
};

// One kind of framing. `end` gives the bytes of the first reply, 0 while it is incomplete, and which
// of them are to be the same in every reply.
struct protocol {
  const char *name;
  size_t (*end)(struct bytes received, struct bytes *body);
  bool connects_anew; // for each request
};

struct connection {
  int socket; // -1: not connected
  const char *path;
  uint64_t sent_ns; // 0: nothing is in flight
  uint8_t *received;
  size_t size;
};

struct load {
  const struct protocol *protocol;
  struct bytes request;
  uint64_t end_ns, patience_ns; // end_ns 0: each connection sends once
  struct connection connections[most_connections];
  unsigned count, in_flight;
  int epoll;
  uint8_t *first;
  size_t first_size;
  uint64_t *latencies_ns;
  size_t good, room, failed, closed; // closed: of those that failed
};

static void stop(const char *what) {
  fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void *allocated(void *memory) {
  if (!memory)
    stop("memory");
  return memory;
}

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

// --- protocols ---

// A line of JSON.
static size_t end_of_line(struct bytes received, struct bytes *body) {
  const uint8_t *newline = memchr(received.data, '\n', received.size);
  if (!newline)
    return 0;
  *body = (struct bytes){received.data, (size_t)(newline - received.data)};
  return body->size + 1;
}

// HTTP/1.1 with Content-Length, as a server sends it that has the whole body. The body alone counts:
// a header has the date.
static size_t end_of_http(struct bytes received, struct bytes *body) {
  const char *text = (const char *)received.data;
  const char *head_end = memmem(text, received.size, "\r\n\r\n", 4);
  if (!head_end)
    return 0;
  const size_t head_size = (size_t)(head_end - text) + 4;
  static const char name[] = "\ncontent-length:";
  size_t length = 0;
  for (const char *at = text; at + sizeof name < head_end; ++at)
    if (strncasecmp(at, name, sizeof name - 1) == 0)
      length = strtoul(at + sizeof name - 1, NULL, 10);
  if (received.size - head_size < length)
    return 0;
  *body = (struct bytes){received.data + head_size, length};
  return head_size + length;
}

// Records of FastCGI until the request's end. What they have as padding is no part of the reply, and
// php-fpm leaves in it what was there before.
static size_t end_of_fastcgi(struct bytes received, struct bytes *body) {
  enum { head_bytes = 8, end_request = 3, standard_output = 6 };
  static uint8_t output[most_reply_bytes];
  size_t at = 0, output_size = 0;
  while (at + head_bytes <= received.size) {
    const uint8_t *head = received.data + at;
    const size_t size = (size_t)head[4] << 8 | head[5];
    at += head_bytes + size + head[6];
    if (at > received.size)
      return 0;
    if (head[1] == standard_output) {
      memcpy(output + output_size, head + head_bytes, size);
      output_size += size;
    } else if (head[1] == end_request) {
      *body = (struct bytes){output, output_size};
      return at;
    }
  }
  return 0;
}

static uint64_t big_endian(const uint8_t *from, size_t size) {
  uint64_t value = 0;
  for (size_t i = 0; i < size; ++i)
    value = value << 8 | from[i];
  return value;
}

// What a MessagePack value's first byte says: bytes of the length that follow it, bytes of data
// that follow these, values that follow those; with a length, it counts data or values.
struct kind {
  unsigned length_bytes, data, values, values_each;
  bool counts_data;
};

static struct kind kind_of(uint8_t byte) {
  if (byte <= 0x7f || byte >= 0xe0)
    return (struct kind){0};
  if (byte <= 0x8f)
    return (struct kind){.values = 2 * (byte & 15u)};
  if (byte <= 0x9f)
    return (struct kind){.values = byte & 15u};
  if (byte <= 0xbf)
    return (struct kind){.data = byte & 31u};
  if (byte >= 0xdc) // array 16, 32, map 16, 32
    return (struct kind){.length_bytes = byte & 1 ? 4 : 2, .values_each = byte >= 0xde ? 2 : 1};
  if (byte >= 0xd9) // str 8, 16, 32
    return (struct kind){.length_bytes = 1u << (byte - 0xd9), .counts_data = true};
  if (byte >= 0xd4) // fixext
    return (struct kind){.data = 1 + (1u << (byte - 0xd4))};
  if (byte >= 0xcc) // integers
    return (struct kind){.data = 1u << (byte & 3)};
  if (byte >= 0xca) // floats
    return (struct kind){.data = byte == 0xca ? 4 : 8};
  if (byte >= 0xc7) // ext: its type, too
    return (struct kind){.length_bytes = 1u << (byte - 0xc7), .data = 1, .counts_data = true};
  if (byte >= 0xc4) // bin
    return (struct kind){.length_bytes = 1u << (byte - 0xc4), .counts_data = true};
  return (struct kind){0}; // nil, false, true
}

static size_t end_of_message_pack(struct bytes received, struct bytes *body) {
  size_t at = 0;
  for (uint64_t values = 1; values > 0; --values) {
    if (at >= received.size)
      return 0;
    const struct kind kind = kind_of(received.data[at++]);
    if (received.size - at < kind.length_bytes)
      return 0;
    const uint64_t length = big_endian(received.data + at, kind.length_bytes);
    const uint64_t data = kind.length_bytes + kind.data + (kind.counts_data ? length : 0);
    if (received.size - at < data)
      return 0;
    at += data;
    values += kind.values + length * kind.values_each;
  }
  *body = (struct bytes){received.data, at};
  return at;
}

// php-fpm gives a worker to a connection until it is closed: a web server connects for each request.
static const struct protocol protocols[] = {{"lines", end_of_line, false},
                                            {"http", end_of_http, false},
                                            {"fastcgi", end_of_fastcgi, true},
                                            {"messagepack", end_of_message_pack, false}};

// --- connections ---

static bool connect_to(struct load *load, struct connection *connection) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", connection->path);
  connection->size = 0;
  connection->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
  if (connection->socket >= 0 &&
      connect(connection->socket, (struct sockaddr *)&address, sizeof address) == 0 &&
      epoll_ctl(load->epoll, EPOLL_CTL_ADD, connection->socket, &event) == 0)
    return true;
  if (connection->socket >= 0)
    close(connection->socket);
  connection->socket = -1;
  return false;
}

static void disconnect(struct connection *connection) {
  close(connection->socket);
  connection->socket = -1;
}

// A failure, after which the connection is made anew. Not at once: what has crashed would be asked
// a hundred thousand times a second.
static void fail(struct load *load, struct connection *connection) {
  ++load->failed;
  if (connection->sent_ns)
    --load->in_flight;
  connection->sent_ns = 0;
  if (connection->socket >= 0)
    disconnect(connection);
  const struct timespec pause = {.tv_nsec = 1000000};
  nanosleep(&pause, NULL);
}

static void send_request(struct load *load, struct connection *connection) {
  if (connection->socket < 0 && !connect_to(load, connection)) {
    fail(load, connection);
    return;
  }
  connection->sent_ns = now_ns();
  ++load->in_flight;
  const ssize_t sent =
      send(connection->socket, load->request.data, load->request.size, MSG_NOSIGNAL);
  if (sent != (ssize_t)load->request.size)
    fail(load, connection);
}

static void keep(struct load *load, struct bytes body) {
  load->first = allocated(malloc(body.size + 1));
  memcpy(load->first, body.data, body.size);
  load->first_size = body.size;
}

static void count_reply(struct load *load, struct connection *connection, struct bytes body) {
  const uint64_t latency_ns = now_ns() - connection->sent_ns;
  connection->sent_ns = 0;
  --load->in_flight;
  if (!load->first)
    keep(load, body);
  if (body.size != load->first_size || memcmp(body.data, load->first, body.size) != 0) {
    ++load->failed;
    return;
  }
  if (load->good == load->room) {
    load->room = load->room ? 2 * load->room : 4096;
    load->latencies_ns =
        allocated(realloc(load->latencies_ns, load->room * sizeof *load->latencies_ns));
  }
  load->latencies_ns[load->good++] = latency_ns;
}

static void receive(struct load *load, struct connection *connection) {
  const ssize_t received = recv(connection->socket, connection->received + connection->size,
                                most_reply_bytes - connection->size, MSG_DONTWAIT);
  if (received < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (received <= 0) {
    ++load->closed;
    fail(load, connection);
    return;
  }
  connection->size += (size_t)received;
  struct bytes body;
  const size_t size =
      load->protocol->end((struct bytes){connection->received, connection->size}, &body);
  if (size == 0)
    return;
  if (connection->sent_ns)
    count_reply(load, connection, body);
  connection->size -= size;
  memmove(connection->received, connection->received + size, connection->size);
  if (load->protocol->connects_anew)
    disconnect(connection);
}

static void give_up_late_ones(struct load *load) {
  const uint64_t now = now_ns();
  for (unsigned i = 0; i < load->count; ++i)
    if (load->connections[i].sent_ns && now - load->connections[i].sent_ns > load->patience_ns)
      fail(load, &load->connections[i]);
}

static void await_replies(struct load *load) {
  struct epoll_event events[most_connections];
  const int count = epoll_wait(load->epoll, events, most_connections, 10);
  if (count < 0 && errno != EINTR)
    stop("epoll_wait");
  for (int i = 0; i < count; ++i)
    receive(load, events[i].data.ptr);
  if (count <= 0)
    give_up_late_ones(load);
}

static void send_again(struct load *load) {
  for (unsigned i = 0; i < load->count; ++i)
    if (!load->connections[i].sent_ns)
      send_request(load, &load->connections[i]);
}

static void run(struct load *load) {
  send_again(load);
  while (load->in_flight > 0 || now_ns() < load->end_ns) {
    if (load->in_flight > 0)
      await_replies(load);
    if (now_ns() < load->end_ns)
      send_again(load);
  }
}

// --- the figures ---

static int by_size(const void *left, const void *right) {
  const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
  return (a > b) - (a < b);
}

static double percentile_us(const struct load *load, unsigned percent) {
  if (load->good == 0)
    return 0;
  const size_t rank = (load->good * percent + 99) / 100;
  return (double)load->latencies_ns[rank ? rank - 1 : 0] / 1000;
}

static void print(struct load *load, double seconds) {
  if (load->good > 0)
    qsort(load->latencies_ns, load->good, sizeof *load->latencies_ns, by_size);
  printf(
      "{\"good\": %zu, \"failed\": %zu, \"closed\": %zu, \"seconds\": %.6f, \"per_second\": %.1f, "
      "\"p50_us\": %.1f, \"p90_us\": %.1f, \"p99_us\": %.1f, \"most_us\": %.1f, \"reply\": \"",
      load->good, load->failed, load->closed, seconds, (double)load->good / seconds,
      percentile_us(load, 50), percentile_us(load, 90), percentile_us(load, 99),
      percentile_us(load, 100));
  for (size_t i = 0; i < load->first_size; ++i)
    printf("%02x", load->first[i]);
  printf("\"}\n");
}

static struct bytes file_bytes(const char *path) {
  FILE *file = fopen(path, "rb");
  uint8_t *data = allocated(malloc(most_reply_bytes));
  if (!file)
    stop(path);
  const size_t size = fread(data, 1, most_reply_bytes, file);
  fclose(file);
  return (struct bytes){data, size};
}

int main(int count, char **words) {
  if (count < 7) {
    fprintf(stderr, "usage: load PROTOCOL REQUEST IN_FLIGHT MILLISECONDS PATIENCE_MS SOCKET…\n");
    return 2;
  }
  static struct load load;
  for (size_t i = 0; i < sizeof protocols / sizeof *protocols; ++i)
    if (strcmp(protocols[i].name, words[1]) == 0)
      load.protocol = &protocols[i];
  load.request = file_bytes(words[2]);
  load.count = (unsigned)strtoul(words[3], NULL, 10);
  load.patience_ns = strtoul(words[5], NULL, 10) * 1000000;
  load.epoll = epoll_create1(EPOLL_CLOEXEC);
  if (!load.protocol || load.count > most_connections || load.epoll < 0)
    stop("what it was told");
  for (unsigned i = 0; i < load.count; ++i)
    load.connections[i] = (struct connection){.socket = -1,
                                              .path = words[6 + i % (unsigned)(count - 6)],
                                              .received = allocated(malloc(most_reply_bytes))};
  const uint64_t begin_ns = now_ns(), milliseconds = strtoul(words[4], NULL, 10);
  load.end_ns = milliseconds ? begin_ns + milliseconds * 1000000 : 0;
  run(&load);
  print(&load, (double)(now_ns() - begin_ns) / 1e9);
  return 0;
}
