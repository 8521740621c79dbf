// SPDX-License-Identifier: Apache-2.0
// The other end of the socket, as a test wants it: answers by method, or dies on demand.
#pragma once

#include "ipc/buffer.h"
#include "ipc/error.h"
#include "ipc/file_descriptor.h"
#include "ipc/message_pack.h"
#include "tests/harness/scratch_folder.h"

#include <atomic>
#include <csignal>
#include <cstring>
#include <functional>
#include <msgpack.hpp>
#include <mutex>
#include <poll.h>
#include <string>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>

namespace lethe::test {

// One connection at a time, served by a thread of its own.
class FakeDaemon {
public:
  // What arrives: kind 0 a request (method, body = params), 1 a response (body = error and result),
  // 2 a notification (method, body = params).
  struct Message {
    int64_t kind = 0;
    uint32_t id = 0;
    std::string method, body;
  };
  // False: end the connection.
  using Answer = std::function<bool(FakeDaemon &, const Message &)>;

  explicit FakeDaemon(Answer answer) : answer_(std::move(answer)) { start(); }
  ~FakeDaemon() { stop(); }

  std::string path() const { return folder_.path() / "socket"; }
  int connections() const { return connections_; }

  void start() {
    ::unlink(path().c_str());
    listener_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path().c_str(), path().size());
    if (::bind(listener_.get(), reinterpret_cast<sockaddr *>(&address), sizeof address) < 0 ||
        ::listen(listener_.get(), 8) < 0)
      fatal("a test can listen in /tmp");
    end_.reset(::eventfd(0, EFD_CLOEXEC));
    thread_ = std::thread([this] { serve(); });
  }
  // Like a kill: the connection and the listener end.
  void stop() {
    if (!thread_.joinable())
      return;
    ::eventfd_write(end_.get(), 1);
    thread_.join();
    listener_.reset();
  }

  // `error` and `result` are packed values.
  void respond(uint32_t id, std::string_view error, std::string_view result) {
    Buffer message;
    msgpack::packer packer(message);
    packer.pack_array(4);
    packer.pack(1);
    packer.pack(id);
    message.append(error);
    message.append(result);
    send(message.view());
  }
  void result(uint32_t id, std::string_view value) { respond(id, "\xc0", value); }
  void error(uint32_t id, std::string_view code) {
    Buffer map;
    msgpack::packer packer(map);
    packer.pack_map(3);
    for (const std::string_view text :
         {std::string_view("code"), code, std::string_view("message"),
          std::string_view("as the test wants it"), std::string_view("line")})
      packer.pack(text);
    packer.pack(7);
    respond(id, map.view(), "\xc0");
  }
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(connection_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0)
        return;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }

private:
  void serve() {
    while (wait_for(listener_.get())) {
      connection_.reset(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      ++connections_;
      Buffer input;
      Skimmer skimmer(100);
      bool open = true;
      while (open && wait_for(connection_.get())) {
        const ssize_t received = ::recv(connection_.get(), input.reserve(65536), 65536, 0);
        if (received <= 0)
          break;
        input.commit(static_cast<size_t>(received));
        while (open && !input.empty() &&
               skimmer.advance(input.view()) == Skimmer::State::complete) {
          open = answer_(*this, parse(input.view().substr(0, skimmer.position())));
          input.consume(skimmer.position());
          skimmer.reset();
        }
      }
      connection_.reset();
    }
  }
  bool wait_for(int descriptor) {
    pollfd descriptors[] = {{end_.get(), POLLIN, 0}, {descriptor, POLLIN, 0}};
    ::poll(descriptors, 2, -1);
    return descriptors[0].revents == 0;
  }
  static Message parse(std::string_view bytes) {
    Reader reader(bytes);
    Message message;
    reader.array();
    message.kind = *reader.integer();
    if (message.kind != 2)
      message.id = static_cast<uint32_t>(*reader.integer());
    if (message.kind != 1)
      message.method = *reader.string();
    message.body = reader.rest();
    return message;
  }

  Answer answer_;
  ScratchFolder folder_;
  FileDescriptor listener_, connection_, end_;
  std::atomic<int> connections_ = 0;
  std::thread thread_;
};

} // namespace lethe::test
