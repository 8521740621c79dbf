// SPDX-License-Identifier: Apache-2.0
// Channel: frames and descriptors arrive as they were sent, and a hostile peer is found out.
#include "ipc/channel.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <string>
#include <sys/socket.h>
#include <thread>

using namespace lethe;

namespace {

constexpr uint32_t limit = 1 << 20;

// The zygote's and the master's ends of one socket.
struct Ends {
  explicit Ends(Channel::Carries carries = Channel::Carries::frames)
      : Ends(std::move(*make_socket_pair()), carries) {}
  Ends(SocketPair pair, Channel::Carries carries)
      : zygote(std::move(pair.ends[0]), Party::master, carries, limit),
        master(std::move(pair.ends[1]), Party::zygote, carries, limit) {}

  Frame receive() {
    Frame frame{};
    Channel::Status status = master.next(frame);
    while (status == Channel::Status::again && master.receive() == Channel::Status::ok)
      status = master.next(frame);
    cr_assert(status == Channel::Status::ok);
    return frame;
  }

  Channel zygote, master;
};

Channel::Status status_of_bytes(const void *bytes, size_t count) {
  SocketPair pair = std::move(*make_socket_pair());
  Channel master(std::move(pair.ends[1]), Party::zygote, Channel::Carries::frames, limit);
  cr_assert_eq(::send(pair.ends[0].get(), bytes, count, 0), static_cast<ssize_t>(count));
  cr_assert(master.receive() == Channel::Status::ok);
  Frame frame;
  return master.next(frame);
}

} // namespace

Test(channel, frames_arrive_in_order_with_their_bodies) {
  Ends ends;
  ends.zygote.add(MessageType::ready, 7, "first");
  ends.zygote.begin(MessageType::exited, 8).append("second");
  ends.zygote.end();
  ends.zygote.begin(MessageType::exited, 9).append("abandoned");
  ends.zygote.abandon();
  ends.zygote.add(MessageType::loading, 10, "");
  cr_assert(ends.zygote.flush() == Channel::Status::ok);

  Frame frame = ends.receive();
  cr_assert(frame.type == MessageType::ready && frame.sequence == 7 && frame.body == "first");
  frame = ends.receive();
  cr_assert(frame.type == MessageType::exited && frame.sequence == 8 && frame.body == "second");
  frame = ends.receive();
  cr_assert(frame.type == MessageType::loading && frame.sequence == 10 && frame.body.empty());
  cr_assert(ends.master.next(frame) == Channel::Status::again);
}

Test(channel, a_frame_larger_than_the_socket_buffer_arrives_whole) {
  Ends ends;
  const std::string body(limit, 'x');
  std::thread sender([&] {
    ends.zygote.add(MessageType::ready, 1, body);
    ends.zygote.add(MessageType::exited, 2, "after");
    ends.zygote.flush();
  });
  cr_assert(ends.receive().body == body);
  cr_assert(ends.receive().body == "after");
  sender.join();
}

Test(channel, descriptors_come_with_their_frame) {
  Ends ends(Channel::Carries::descriptors);
  int pipe_ends[2];
  cr_assert_eq(::pipe(pipe_ends), 0);
  const FileDescriptor reading(pipe_ends[0]);
  FileDescriptor writing(pipe_ends[1]);
  const int descriptors[] = {writing.get(), reading.get()};
  const std::string body(300'000, 'b');
  std::thread sender([&] {
    ends.zygote.send_with_descriptors(MessageType::forked, 3, body, descriptors);
    ends.zygote.send_with_descriptors(MessageType::forked, 4, "b", std::span(descriptors, 1));
  });
  Frame frame = ends.receive();
  cr_assert(frame.sequence == 3 && frame.descriptors == 2 && frame.body == body);
  writing.reset();
  FileDescriptor received = ends.master.take_descriptor();
  cr_assert((::fcntl(received.get(), F_GETFD) & FD_CLOEXEC) != 0);
  cr_assert_eq(::write(received.get(), "!", 1), 1);
  char byte = 0;
  cr_assert(::read(reading.get(), &byte, 1) == 1 && byte == '!');
  ends.master.take_descriptor();
  frame = ends.receive();
  cr_assert(frame.sequence == 4 && frame.descriptors == 1);
  sender.join();
}

Test(channel, the_peers_end_is_seen) {
  SocketPair pair = std::move(*make_socket_pair());
  Channel master(std::move(pair.ends[1]), Party::zygote, Channel::Carries::frames, limit);
  pair.ends[0].reset();
  cr_assert(master.receive() == Channel::Status::closed);
  master.add(MessageType::fork, 1, "");
  cr_assert(master.flush() == Channel::Status::closed);
}

Test(channel, a_body_over_the_limit_is_broken_before_it_arrives) {
  const FrameHeader header{limit + 1, static_cast<uint16_t>(MessageType::ready), 0, 1};
  cr_assert(status_of_bytes(&header, sizeof header) == Channel::Status::broken);
}

Test(channel, a_type_of_another_party_is_broken) {
  const FrameHeader header{0, static_cast<uint16_t>(MessageType::fork), 0, 1};
  cr_assert(status_of_bytes(&header, sizeof header) == Channel::Status::broken);
}

Test(channel, a_type_of_no_row_is_broken) {
  const FrameHeader header{0, 999, 0, 1};
  cr_assert(status_of_bytes(&header, sizeof header) == Channel::Status::broken);
}

Test(channel, announced_descriptors_that_do_not_come_are_broken) {
  const FrameHeader header{0, static_cast<uint16_t>(MessageType::forked), 2, 1};
  cr_assert(status_of_bytes(&header, sizeof header) == Channel::Status::broken);
}

Test(channel, frames_that_are_put_back_come_before_what_is_unread) {
  Ends ends;
  for (uint32_t i = 1; i <= 3; ++i)
    ends.zygote.add(MessageType::loading, i, std::string(i, 'x'));
  cr_assert(ends.zygote.flush() == Channel::Status::ok);
  cr_assert_eq(ends.receive().sequence, 1);
  const std::string rest(ends.master.unread());
  const size_t second = sizeof(FrameHeader) + 2;
  cr_assert_eq(rest.size(), second + sizeof(FrameHeader) + 3);
  ends.master.put_back(rest.substr(0, second)); // the second frame once more
  for (const uint32_t expected : {2u, 2u, 3u}) {
    const Frame frame = ends.receive();
    cr_assert_eq(frame.sequence, expected);
    cr_assert_eq(frame.body, std::string(expected, 'x'));
  }
  cr_assert(ends.master.unread().empty());
}
