// SPDX-License-Identifier: Apache-2.0
// Any bytes on the port of `lethe inspect`, in any pieces: only who asks this machine for it gets
// the list or a WebSocket, what a debugger says is heard when it is whole, and what is said to it
// arrives as it was said.
#include "client/command/inspector_server.h"
#include "ipc/utf8.h"
#include "tests/fuzz/bytes.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <strings.h>
#include <sys/socket.h>
#include <vector>

using namespace lethe;
using namespace lethe::fuzz;
using lethe::command::InspectorServer;

namespace {

enum Opcode : unsigned char {
  continuation = 0,
  text_frame = 1,
  close_frame = 8,
  ping = 9,
  pong = 10
};
constexpr unsigned char is_final = 0x80, is_masked = 0x80;

uint64_t number_of(std::string_view bytes) {
  uint64_t number = 0;
  for (const char byte : bytes)
    number = number << 8 | static_cast<unsigned char>(byte);
  return number;
}

struct Frame {
  bool final;
  unsigned char opcode, reserved;
  bool masked;
  std::string payload;
};

// As a mask does it and undoes it. Not instrumented: long messages would spend their time here.
__attribute__((no_sanitize("coverage"))) void mask_bytes(char *bytes, size_t length,
                                                         const char (&mask)[4]) {
  for (size_t i = 0; i < length; ++i)
    bytes[i] = static_cast<char>(bytes[i] ^ mask[i % 4]);
}

// Takes a frame off the front, as RFC 6455 has it. Nothing: it is not whole.
std::optional<Frame> take_frame(std::string_view &bytes) {
  if (bytes.size() < 2)
    return std::nullopt;
  const auto first = static_cast<unsigned char>(bytes[0]),
             second = static_cast<unsigned char>(bytes[1]);
  Frame frame{(first & is_final) != 0,
              static_cast<unsigned char>(first & 15),
              static_cast<unsigned char>(first & 0x70),
              (second & is_masked) != 0,
              {}};
  uint64_t length = second & 0x7f;
  const size_t length_bytes = length == 126 ? 2 : length == 127 ? 8 : 0;
  const size_t head_bytes = 2 + length_bytes + (frame.masked ? 4 : 0);
  if (bytes.size() < head_bytes)
    return std::nullopt;
  if (length_bytes > 0)
    length = number_of(bytes.substr(2, length_bytes));
  if (length > bytes.size() - head_bytes)
    return std::nullopt;
  frame.payload = bytes.substr(head_bytes, length);
  if (frame.masked) {
    char mask[4];
    bytes.copy(mask, 4, head_bytes - 4);
    mask_bytes(frame.payload.data(), length, mask);
  }
  bytes.remove_prefix(head_bytes + length);
  return frame;
}

// The texts that a server has been told in whole, if nothing in it is wrong but what makes it stop.
std::vector<std::string> texts_for_server(std::string_view bytes) {
  std::vector<std::string> texts;
  std::string text;
  bool is_text = false;
  while (const auto frame = take_frame(bytes)) {
    if (!frame->masked || frame->reserved != 0)
      break;
    if (frame->opcode >= close_frame)
      continue;
    if (frame->opcode != continuation) {
      is_text = frame->opcode == text_frame;
      text.clear();
    }
    text += frame->payload;
    if (frame->final && is_text)
      texts.push_back(text);
  }
  return texts;
}

void add_frame(std::string &out, Opcode opcode, bool final, std::string_view payload,
               const char (&mask)[4]) {
  out += static_cast<char>((final ? is_final : 0) | opcode);
  const auto add_number = [&out](size_t number, int bytes) {
    while (bytes-- > 0)
      out += static_cast<char>(number >> 8 * bytes);
  };
  const int length_bytes = payload.size() < 126 ? 0 : payload.size() < 65536 ? 2 : 8;
  out += static_cast<char>(is_masked | (length_bytes == 0   ? payload.size()
                                        : length_bytes == 2 ? 126u
                                                            : 127u));
  add_number(payload.size(), length_bytes);
  out.append(mask, sizeof mask).append(payload);
  mask_bytes(out.data() + out.size() - payload.size(), payload.size(), mask);
}

// What a debugger sends: the head of a request, and what follows it.
struct Said {
  std::string head, frames;
  bool is_good = false; // it is to get its WebSocket, and its frames are these messages:
  std::vector<std::string> texts, pings;
};

constexpr char id_token = 1; // in a head: the WebSocket's path, which nobody can guess
constexpr size_t longest_head_bytes = 16 * 1024;

std::string say_head(Bytes &input, uint8_t kind) {
  const std::string path = std::string(1, id_token) + " HTTP/1.1\r\n";
  switch (kind % 5) {
  case 0:
    return input.text();
  case 1:
    return "GET /json/list HTTP/1.1\r\nHost:" + input.text();
  case 2:
    return "GET " + path + "Host: localhost:9229\r\nSec-WebSocket-Key: k\r\n" + input.text();
  case 3: { // about as long as a head may be
    std::string head = "GET /json HTTP/1.1\r\nHost: localhost\r\n";
    head.resize(longest_head_bytes - 4 + input.byte() % 8, 'x');
    return head;
  }
  default:
    return "GET " + path + "host:\t127.0.0.1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
  }
}

// Good messages, in fragments with pings between.
void say_messages(Bytes &input, Said &said) {
  for (int messages = 0; messages < 8 && !input.empty(); ++messages) {
    const uint8_t kind = input.byte();
    char mask[4];
    input.text(4).copy(mask, 4);
    std::string text = with_replacements(input.text());
    if (kind % 64 == 63) // of a length that is written in eight bytes
      text.resize(65'530 + text.size(), 'x');
    else if (kind % 8 == 7) // or in two
      text.resize(100 + text.size(), 'y');
    said.texts.push_back(text);
    for (Opcode opcode = text_frame;; opcode = continuation) {
      const size_t piece = kind >= 64 && !input.empty() ? input.byte() : text.size();
      add_frame(said.frames, opcode, piece >= text.size(), std::string_view(text).substr(0, piece),
                mask);
      if (piece >= text.size())
        break;
      text.erase(0, piece);
      if (piece % 4 == 3) {
        said.pings.push_back(input.text(piece / 4));
        add_frame(said.frames, ping, true, said.pings.back(), mask);
      }
    }
  }
}

// The debugger's end of a connection.
class FarEnd {
public:
  explicit FarEnd(InspectorServer &server) : server_(server) {
    int ends[2];
    check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    socket_.reset(ends[0]);
    server.welcome(FileDescriptor(ends[1]));
  }
  // False: the server has closed the connection.
  bool send(std::string_view bytes) {
    while (!bytes.empty() && !is_closed) {
      const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      is_closed = sent < 0 && errno != EAGAIN;
      if (sent > 0)
        bytes.remove_prefix(static_cast<size_t>(sent));
      let_server_work();
    }
    return !is_closed;
  }
  void leave() {
    socket_.reset();
    let_server_work();
  }
  void receive() {
    char room[16 * 1024];
    ssize_t received = 0;
    while (socket_ && (received = ::recv(socket_.get(), room, sizeof room, 0)) > 0)
      output.append(room, static_cast<size_t>(received));
    is_closed |= received == 0 || errno != EAGAIN;
  }

  std::string output; // of the server
  bool is_closed = false;

private:
  // As the command does, until there is nothing to do.
  void let_server_work() {
    for (;;) {
      std::vector<pollfd> poll_for;
      server_.add_to(poll_for);
      if (::poll(poll_for.data(), poll_for.size(), 0) <= 0)
        return;
      server_.advance();
      receive();
    }
  }

  InspectorServer &server_;
  FileDescriptor socket_;
};

// In a browser, a page whose host name means this machine sends that name.
bool asks_this_machine(std::string_view head) {
  bool is_local = false;
  for (size_t end = 0; (end = head.find('\n')) != head.npos;) {
    head.remove_prefix(end + 1);
    std::string line(head.substr(0, head.find('\n')));
    if (::strncasecmp(line.c_str(), "host:", 5) != 0)
      continue;
    std::ranges::transform(line, line.begin(), [](unsigned char c) { return std::tolower(c); });
    line.erase(0, line.find_first_not_of(" \t", 5));
    line.erase(line.find_last_not_of(" \t\r") + 1);
    for (const std::string_view name : {"localhost", "127.0.0.1"})
      is_local |=
          line == name || (line.starts_with(std::string(name) + ':') &&
                           line.find_first_not_of("0123456789", name.size() + 1) == line.npos);
    if (!is_local)
      return false;
  }
  return is_local;
}

// An answer with a body, and nothing after it.
void check_answer(std::string_view answer) {
  const size_t head_bytes = answer.find("\r\n\r\n");
  check(head_bytes != answer.npos);
  const std::string_view body = answer.substr(head_bytes + 4);
  const std::string length = "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  check(answer.substr(0, head_bytes + 2).find(length) != answer.npos);
  check(nlohmann::json::accept(body));
}

struct Frames {
  std::vector<std::string> texts, pongs;
  bool is_closed = false;
};

// What a server may send: whole frames without a mask, and none after its goodbye.
Frames check_frames(std::string_view bytes) {
  Frames frames;
  while (const auto frame = take_frame(bytes)) {
    check(frame->final && !frame->masked && frame->reserved == 0 && !frames.is_closed);
    frames.is_closed = frame->opcode == close_frame;
    if (frame->opcode == text_frame)
      frames.texts.push_back(frame->payload);
    else if (frame->opcode == pong)
      frames.pongs.push_back(frame->payload);
    else
      check(frames.is_closed);
  }
  check(bytes.empty());
  return frames;
}

bool is_beginning_of(const std::vector<std::string> &part, const std::vector<std::string> &whole) {
  return part.size() <= whole.size() && std::equal(part.begin(), part.end(), whole.begin());
}

struct Outcome {
  std::string status;
  std::vector<std::string> heard;
  bool operator==(const Outcome &) const = default;
};

// Sends it in pieces: all of it, or as `cuts` has it.
Outcome play(const Said &said, const std::string &title, bool leaves, uint32_t cuts) {
  Outcome outcome;
  bool begun = false, has_left = false;
  InspectorServer *speaker = nullptr;
  InspectorServer server(title, [&](std::optional<std::string_view> message) {
    check(!has_left);
    has_left = !message;
    if (!message)
      return;
    check(is_utf8(*message));
    outcome.heard.emplace_back(*message);
    speaker->say(*message);
  });
  speaker = &server;
  const std::string path = server.web_socket_url().substr(server.web_socket_url().rfind('/'));
  std::string bytes = said.head;
  for (size_t at = 0; (at = bytes.find(id_token, at)) != bytes.npos; at += path.size())
    bytes.replace(at, 1, path);
  bytes += "\r\n\r\n" + said.frames;
  const std::string_view all = bytes;
  const size_t head_bytes = all.find("\r\n\r\n");

  FarEnd debugger(server);
  const bool in_one_piece = cuts == 0;
  for (size_t sent = 0; sent < all.size();) {
    cuts = cuts * 1'664'525 + 1'013'904'223;
    const size_t piece =
        in_one_piece ? all.size() : 1 + (cuts >> 8) % (cuts >> 30 ? 8 : all.size());
    if (!debugger.send(all.substr(sent, piece)))
      break;
    sent += piece;
  }
  const std::string_view output = debugger.output;
  outcome.status = output.substr(0, output.find('\r'));
  begun = outcome.status.starts_with("HTTP/1.1 101");
  check(output.empty() == (head_bytes > longest_head_bytes));
  if (begun || output.find(path.substr(1)) != output.npos)
    check(asks_this_machine(all.substr(0, head_bytes)));
  check(begun || !said.is_good);
  if (!begun) {
    check(outcome.heard.empty() && !has_left && debugger.is_closed);
    if (!output.empty())
      check_answer(output);
    return outcome;
  }
  check(all.substr(0, head_bytes).find(path) != all.npos);
  check(is_beginning_of(outcome.heard, texts_for_server(all.substr(head_bytes + 4))));
  if (!has_left) { // one at a time
    FarEnd other(server);
    other.send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nSec-WebSocket-Key: k\r\n\r\n");
    check(other.output.starts_with("HTTP/1.1 409") && other.is_closed && !has_left);
  }
  const bool says_goodbye = !leaves && !has_left;
  if (says_goodbye) {
    server.say("the end");
    server.close();
    debugger.receive();
  } else {
    debugger.leave();
  }
  const std::string_view sent = debugger.output;
  Frames frames = check_frames(sent.substr(sent.find("\r\n\r\n") + 4));
  check(frames.is_closed || !says_goodbye);
  if (says_goodbye && said.is_good) {
    check(!frames.texts.empty() && frames.texts.back() == "the end");
    frames.texts.pop_back();
  }
  check(has_left != says_goodbye);
  if (said.is_good)
    check(outcome.heard == said.texts && frames.texts == said.texts && frames.pongs == said.pings);
  else
    check(frames.texts.empty() || frames.texts.back() == "the end" ||
          is_beginning_of(frames.texts, outcome.heard));
  return outcome;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Bytes input(data, size);
  const uint8_t kind = input.byte();
  const uint32_t cuts = input.number();
  const std::string title = input.text(input.byte() % 16);
  Said said;
  said.head = say_head(input, kind);
  said.is_good = kind % 5 == 4 && kind < 128;
  if (said.is_good)
    say_messages(input, said);
  else
    said.frames = input.rest();
  const bool leaves = cuts % 2 == 1;
  check(play(said, title, leaves, 0) == play(said, title, leaves, cuts));
  return 0;
}
