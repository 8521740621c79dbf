// SPDX-License-Identifier: Apache-2.0
// What a connection has with it when a restart keeps it: the test is the service manager.
#include "daemon/master/clients/handover.h"

#include <criterion/criterion.h>
#include <cstdlib>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

using namespace lethe;
using namespace std::string_literals;

namespace {

class PlayedManager {
public:
  PlayedManager() : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const std::string name = "@lethe-handover-" + std::to_string(::getpid());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path, name.size());
    address.sun_path[0] = '\0';
    cr_assert(::bind(socket_.get(), reinterpret_cast<sockaddr *>(&address),
                     static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size())) == 0);
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }

  // Until there is nothing more: who asks whether all has come hears it by the end of a pipe.
  std::vector<InheritedDescriptors::Stored> take() {
    std::vector<InheritedDescriptors::Stored> stored;
    for (;;) {
      char text[1024];
      alignas(cmsghdr) char room[CMSG_SPACE(2 * sizeof(int))];
      iovec part{text, sizeof text};
      msghdr message{};
      message.msg_iov = &part;
      message.msg_iovlen = 1;
      message.msg_control = room;
      message.msg_controllen = sizeof room;
      const ssize_t bytes = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
      cr_assert(bytes > 0);
      std::vector<FileDescriptor> descriptors;
      const cmsghdr *head = CMSG_FIRSTHDR(&message);
      for (size_t i = 0; head && CMSG_LEN(i * sizeof(int)) < head->cmsg_len; ++i)
        descriptors.emplace_back(reinterpret_cast<const int *>(CMSG_DATA(head))[i]);
      const std::string received(text, static_cast<size_t>(bytes));
      if (received.starts_with("BARRIER=1"))
        return stored;
      const size_t name = received.find("FDNAME=") + 7;
      stored.push_back(
          {received.substr(name, received.find('\n', name) - name), std::move(descriptors)});
    }
  }

private:
  FileDescriptor socket_;
};

FileDescriptor any_socket() {
  int ends[2];
  cr_assert(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  ::close(ends[1]);
  return FileDescriptor(ends[0]);
}

} // namespace

Test(handover, a_connection_keeps_what_its_client_has_said) {
  PlayedManager manager;
  std::vector<InheritedDescriptors::Stored> stored;
  std::thread taking([&] { stored = manager.take(); });
  std::vector<ConnectionState> states(2);
  for (ConnectionState &state : states)
    state.socket = any_socket();
  states[0].input = "in\0put"s;
  states[0].output = "output"s;
  states[0].last_host_call = 7;
  states[0].hello = {"acme 1.0", ErrorShape::pair, NumberShape::floating, false};
  hand_over(std::move(states));
  taking.join();
  const auto taken = take_over(std::move(stored));
  cr_assert_eq(taken.size(), 2);
  cr_expect_eq(taken[0].input, "in\0put"s);
  cr_expect_eq(taken[0].output, "output");
  cr_expect_eq(taken[0].last_host_call, 7);
  cr_expect_eq(taken[0].hello.client, "acme 1.0");
  cr_expect_eq(taken[0].hello.errors, ErrorShape::pair);
  cr_expect_eq(taken[0].hello.numbers, NumberShape::floating);
  cr_expect(!taken[0].hello.host_calls);
  cr_expect_eq(taken[1].hello.client, "");
  cr_expect_eq(taken[1].hello.errors, ErrorShape::map);
  cr_expect(taken[1].hello.host_calls);
}

Test(handover, a_state_that_is_cut_off_is_not_taken) {
  const PlayedManager manager; // hears that it is to forget the connection
  const auto taken_of = [](std::string_view bytes) {
    FileDescriptor file(::memfd_create("state", MFD_CLOEXEC));
    cr_assert_eq(::write(file.get(), bytes.data(), bytes.size()),
                 static_cast<ssize_t>(bytes.size()));
    std::vector<InheritedDescriptors::Stored> stored(1);
    stored[0].name = "client1-0";
    stored[0].descriptors.push_back(any_socket());
    stored[0].descriptors.push_back(std::move(file));
    return take_over(std::move(stored)).size();
  };
  const std::string head = "\x02\0\0\0\0\0\0\0\x07\0\0\0"s; // two bytes of output
  cr_expect_eq(taken_of(head + "\0\0\0\0ou"s + "in"), 1);   // as before there was `hello`
  cr_expect_eq(taken_of(head + "\x01\0\0\x02ou"s + "x"), 0);
  cr_expect_eq(taken_of(head + "\0\0\0\0o"s), 0);
  cr_expect_eq(taken_of(head), 0);
}
