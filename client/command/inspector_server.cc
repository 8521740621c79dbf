// SPDX-License-Identifier: Apache-2.0
// HTTP as far as debuggers need it: GET, one request for each connection.
#include "client/command/inspector_server.h"
#include "ipc/hex.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <map>
#include <netinet/in.h>
#include <nlohmann/json.hpp>
#include <sys/random.h>
#include <sys/socket.h>

namespace lethe::command {
namespace {

constexpr size_t most_visitors = 16;
constexpr size_t longest_head_bytes = 16 * 1024;
constexpr std::string_view end_of_head = "\r\n\r\n";
constexpr size_t most_waiting_bytes = size_t{16} << 20;

// A random UUID: nobody who has not seen the list can guess it.
std::string random_id() {
  char bytes[16] = {};
  if (::getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
    throw std::runtime_error("getrandom failed");
  std::string id = to_hex({bytes, sizeof bytes});
  for (const size_t position : {20, 16, 12, 8})
    id.insert(position, "-");
  return id;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
    text.remove_suffix(1);
  return text;
}

struct RequestHead {
  std::string_view method, path;
  std::map<std::string, std::string> headers; // names in small letters; of several, all: "a, b"

  explicit RequestHead(std::string_view text) {
    const auto take = [&text](char end) {
      const std::string_view part = text.substr(0, text.find(end));
      text.remove_prefix(std::min(text.size(), part.size() + 1));
      return part;
    };
    std::string_view line = take('\n');
    method = line.substr(0, line.find(' '));
    line.remove_prefix(std::min(line.size(), method.size() + 1));
    path = line.substr(0, line.find(' '));
    while (!text.empty()) {
      line = take('\n');
      const size_t colon = line.find(':');
      if (colon == line.npos)
        continue;
      std::string name(line.substr(0, colon));
      std::ranges::transform(name, name.begin(),
                             [](char c) { return static_cast<char>(std::tolower(c)); });
      const auto [header, is_new] = headers.try_emplace(name);
      header->second.append(is_new ? "" : ", ").append(trimmed(line.substr(colon + 1)));
    }
  }
};

// A web page whose host name was made to mean this machine must not get the list.
bool is_local(std::string_view host) {
  const std::string_view name = host.substr(0, host.find(':'));
  const std::string_view port = host.substr(std::min(host.size(), name.size() + 1));
  return (name == "127.0.0.1" || name == "localhost") &&
         std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; });
}

void respond(int socket, std::string_view status, std::string_view body) {
  const std::string text = "HTTP/1.1 " + std::string(status) +
                           "\r\nContent-Type: application/json; charset=UTF-8\r\nCache-Control: "
                           "no-cache\r\nConnection: close\r\nContent-Length: " +
                           std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
  ::send(socket, text.data(), text.size(), MSG_NOSIGNAL); // fits into any socket's buffer
}

} // namespace

InspectorServer::InspectorServer(std::string title, Heard heard)
    : title_(std::move(title)), id_(random_id()), heard_(std::move(heard)) {}

std::string InspectorServer::listen(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  socklen_t bytes = sizeof address;
  const int yes = 1;
  listener_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener_ || ::setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) < 0 ||
      ::bind(listener_.get(), reinterpret_cast<sockaddr *>(&address), sizeof address) < 0 ||
      ::listen(listener_.get(), SOMAXCONN) < 0 ||
      ::getsockname(listener_.get(), reinterpret_cast<sockaddr *>(&address), &bytes) < 0)
    return "can't listen on 127.0.0.1:" + std::to_string(port) + ": " + std::strerror(errno) +
           "; --port 0 takes any free port";
  port_ = ntohs(address.sin_port);
  return {};
}

std::string InspectorServer::web_socket_url() const {
  return "ws://127.0.0.1:" + std::to_string(port_) + "/" + id_;
}

std::string InspectorServer::list() const {
  const std::string address = web_socket_url().substr(5); // without ws://
  const nlohmann::json entry = {
      {"description", "a script in Lethe"},
      {"devtoolsFrontendUrl",
       "devtools://devtools/bundled/js_app.html?experiments=true&v8only=true&ws=" + address},
      {"id", id_},
      {"title", title_},
      {"type", "node"}, // what Chrome and VS Code take for JavaScript without a page
      {"url", "lethe:" + title_},
      {"webSocketDebuggerUrl", web_socket_url()}};
  // The title is of the command line, and may be no UTF-8.
  return nlohmann::json::array({entry}).dump(2, ' ', false,
                                             nlohmann::json::error_handler_t::replace);
}

void InspectorServer::say(std::string_view message) {
  if (debugger_)
    debugger_->say(message);
}

void InspectorServer::close() {
  if (debugger_)
    debugger_->close();
  debugger_.reset();
}

bool InspectorServer::has_room() const {
  return !debugger_ || debugger_->waiting_bytes() < most_waiting_bytes;
}

void InspectorServer::add_to(std::vector<pollfd> &poll_for) const {
  poll_for.push_back({listener_.get(), POLLIN, 0});
  for (const Visitor &visitor : visitors_)
    poll_for.push_back({visitor.socket.get(), POLLIN, 0});
  if (debugger_)
    poll_for.push_back({debugger_->descriptor(), debugger_->events(), 0});
}

void InspectorServer::advance() {
  accept();
  std::erase_if(visitors_, [this](Visitor &visitor) { return !advance(visitor); });
  if (debugger_ && !debugger_->advance()) {
    debugger_.reset();
    heard_(std::nullopt);
  }
}

void InspectorServer::accept() {
  FileDescriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (socket)
    welcome(std::move(socket));
}

void InspectorServer::welcome(FileDescriptor socket) {
  if (visitors_.size() == most_visitors) // the one that has been silent for longest
    visitors_.erase(visitors_.begin());
  visitors_.push_back({std::move(socket), {}});
}

// False: it is done.
bool InspectorServer::advance(Visitor &visitor) {
  char room[4096];
  const ssize_t received = ::recv(visitor.socket.get(), room, sizeof room, 0);
  if (received < 0)
    return errno == EAGAIN || errno == EINTR;
  if (received == 0)
    return false;
  visitor.input.append(room, static_cast<size_t>(received));
  const size_t head_bytes = visitor.input.find(end_of_head);
  if (head_bytes == std::string::npos)
    return visitor.input.size() < longest_head_bytes + end_of_head.size();
  if (head_bytes <= longest_head_bytes)
    answer(visitor, head_bytes);
  return false;
}

void InspectorServer::answer(Visitor &visitor, size_t head_bytes) {
  const std::string_view input = visitor.input;
  const RequestHead head(input.substr(0, head_bytes));
  const auto header = [&head](const char *name) {
    const auto found = head.headers.find(name);
    return found == head.headers.end() ? std::string_view() : found->second;
  };
  const int socket = visitor.socket.get();
  if (head.method != "GET" || !is_local(header("host")))
    return respond(socket, "400 Bad Request", "{}");
  if (head.path == "/json" || head.path == "/json/" || head.path == "/json/list")
    return respond(socket, "200 OK", list());
  if (head.path == "/json/version")
    return respond(
        socket, "200 OK",
        nlohmann::json({{"Browser", "lethe/" LETHE_VERSION}, {"Protocol-Version", "1.3"}}).dump(2));
  if (head.path != "/" + id_ || header("sec-websocket-key").empty())
    return respond(socket, "404 Not Found", "{}");
  if (debugger_)
    return respond(socket, "409 Conflict", R"({"error": "another debugger is connected"})");
  begin_debugging(visitor, header("sec-websocket-key"),
                  input.substr(head_bytes + end_of_head.size()));
}

void InspectorServer::begin_debugging(Visitor &visitor, std::string_view key,
                                      std::string_view early) {
  const std::string text = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
                           "Upgrade\r\nSec-WebSocket-Accept: " +
                           web_socket_accept(key) + "\r\n\r\n";
  ::send(visitor.socket.get(), text.data(), text.size(), MSG_NOSIGNAL);
  debugger_ = std::make_unique<WebSocket>(std::move(visitor.socket), early,
                                          [this](std::string_view message) { heard_(message); });
}

} // namespace lethe::command
