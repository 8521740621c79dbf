// SPDX-License-Identifier: Apache-2.0
// The port of `lethe inspect`: who is answered, and from where on a debugger is heard.
#include "client/command/inspector_server.h"

#include <criterion/criterion.h>
#include <nlohmann/json.hpp>
#include <sys/socket.h>

using lethe::FileDescriptor;
using lethe::command::InspectorServer;
using namespace std::string_literals;

namespace {

// The debugger's end of a connection, and what the server does with what it sends.
struct Debugger {
  std::vector<std::string> heard;
  InspectorServer server;
  FileDescriptor socket;

  explicit Debugger(const std::string &title = "script")
      : server(title, [this](std::optional<std::string_view> message) {
          if (message)
            heard.emplace_back(*message);
        }) {
    int ends[2];
    cr_assert(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    socket.reset(ends[0]);
    server.welcome(FileDescriptor(ends[1]));
  }
  // What is answered.
  std::string send(const std::string &bytes) {
    ::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    for (int rounds = 0; rounds < 8; ++rounds) // of 4096 bytes of a head each
      server.advance();
    std::string answer(65536, '\0');
    answer.resize(static_cast<size_t>(
        std::max<ssize_t>(::recv(socket.get(), answer.data(), answer.size(), 0), 0)));
    return answer;
  }
  std::string list(const std::string &headers) {
    return send("GET /json/list HTTP/1.1\r\n" + headers + "\r\n\r\n");
  }
  std::string upgrade() const {
    const std::string url = server.web_socket_url();
    return "GET " + url.substr(url.rfind('/')) +
           " HTTP/1.1\r\nHost: localhost\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
  }
};

constexpr char hello[] = "\x81\x85\0\0\0\0hello"; // a frame, with a mask of zeros

} // namespace

Test(inspector_server, frames_that_come_with_the_handshake_are_heard) {
  Debugger debugger;
  const std::string answer =
      debugger.send(debugger.upgrade() + std::string(hello, sizeof hello - 1));
  cr_expect(answer.starts_with("HTTP/1.1 101"), "%s", answer.c_str());
  cr_assert_eq(debugger.heard.size(), 1);
  cr_expect_eq(debugger.heard[0], "hello"s);
}

Test(inspector_server, the_list_is_for_hosts_of_this_machine) {
  for (const char *host :
       {"Host: localhost", "host:127.0.0.1:9229 ", "Host: localhost:", "HOST:\tlocalhost:1"})
    cr_expect(Debugger().list(host).starts_with("HTTP/1.1 200"), "%s", host);
  for (const char *host : {"X: y", "Host: example.org", "Host: localhost:80.example.org",
                           "Host: localhost.example.org", "Host: example.org\r\nHost: localhost",
                           "Host: localhost\r\nHost: example.org"})
    cr_expect(Debugger().list(host).starts_with("HTTP/1.1 400"), "%s", host);
}

Test(inspector_server, a_title_of_any_bytes_is_listed) {
  const std::string answer = Debugger("a\xff\xc3").list("Host: localhost");
  cr_assert(answer.starts_with("HTTP/1.1 200"), "%s", answer.c_str());
  const auto list = nlohmann::json::parse(answer.substr(answer.find("\r\n\r\n")));
  cr_expect(list[0]["title"].get<std::string>().starts_with("a"));
}

// In whatever pieces it comes.
Test(inspector_server, a_head_has_sixteen_kib_at_most) {
  constexpr size_t most = 16 * 1024;
  const std::string begin = "GET /json/list HTTP/1.1\r\nHost: localhost\r\nX: ";
  for (const size_t cut : {size_t{0}, most - 1, most, most + 3}) {
    std::string head = begin + std::string(most - begin.size(), 'x') + "\r\n\r\n";
    Debugger fits, exceeds;
    fits.send(head.substr(0, cut));
    cr_expect(fits.send(head.substr(cut)).starts_with("HTTP/1.1 200"), "cut at %zu", cut);
    head.insert(begin.size(), "x");
    cr_expect(exceeds.send(head.substr(0, cut)).empty());
    cr_expect(exceeds.send(head.substr(cut)).empty(), "cut at %zu", cut);
  }
}
