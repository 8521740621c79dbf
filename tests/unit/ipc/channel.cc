// SPDX-License-Identifier: Apache-2.0
// Channel: frames and descriptors arrive as they were sent, and a hostile peer is found out.
#include "ipc/channel.h"

#include <criterion/criterion.h>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <tuple>

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

  Frame receive(PeerState state = PeerState::ready) {
    Frame frame{};
    Channel::Status status = master.next(frame, state);
    while (status == Channel::Status::again && master.receive() == Channel::Status::ok)
      status = master.next(frame, state);
    cr_assert(status == Channel::Status::ok);
    return frame;
  }

  Channel zygote, master;
};

// Why a frame is broken, when no more than its header has come; empty: it is not.
std::string flaw_of(FrameHeader header, PeerState state, Party from = Party::zygote,
                    uint32_t most_bytes = limit) {
  SocketPair pair = std::move(*make_socket_pair());
  Channel channel(std::move(pair.ends[1]), from, Channel::Carries::frames, most_bytes);
  cr_assert_eq(::send(pair.ends[0].get(), &header, sizeof header, 0),
               static_cast<ssize_t>(sizeof header));
  cr_assert(channel.receive() == Channel::Status::ok);
  Frame frame;
  const Channel::Status status = channel.next(frame, state);
  cr_assert_eq(status == Channel::Status::broken, !channel.flaw().empty());
  return channel.flaw();
}

FrameHeader header_of(MessageType type, uint32_t body_bytes = 0, uint16_t descriptors = 0) {
  return {body_bytes, static_cast<uint16_t>(type), descriptors, 1};
}

} // namespace

Test(channel, frames_arrive_in_order_with_their_bodies) {
  Ends ends;
  ends.zygote.add(MessageType::ready, 7, "first");
  ends.zygote.begin(MessageType::load_failed, 8).append("second");
  ends.zygote.end();
  ends.zygote.begin(MessageType::load_failed, 9).append("abandoned");
  ends.zygote.abandon();
  ends.zygote.add(MessageType::loading, 10, "");
  cr_assert(ends.zygote.flush() == Channel::Status::ok);

  Frame frame = ends.receive(PeerState::loading);
  cr_assert(frame.type == MessageType::ready && frame.sequence == 7 && frame.body == "first");
  frame = ends.receive(PeerState::loading);
  cr_assert(frame.type == MessageType::load_failed && frame.sequence == 8 &&
            frame.body == "second");
  frame = ends.receive(PeerState::loading);
  cr_assert(frame.type == MessageType::loading && frame.sequence == 10 && frame.body.empty());
  cr_assert(ends.master.next(frame, PeerState::loading) == Channel::Status::again);
}

Test(channel, a_frame_larger_than_the_socket_buffer_arrives_whole) {
  Ends ends;
  const std::string body(limit, 'x');
  std::thread sender([&] {
    ends.zygote.add(MessageType::ready, 1, body);
    ends.zygote.add(MessageType::exited, 2, "after");
    ends.zygote.flush();
  });
  cr_assert(ends.receive(PeerState::loading).body == body);
  cr_assert(ends.receive().body == "after");
  sender.join();
}

Test(channel, a_frame_in_pieces_takes_no_more_memory_than_in_one) {
  Ends ends;
  const FrameHeader header = header_of(MessageType::loading, 80);
  cr_assert_eq(::send(ends.zygote.descriptor(), &header, sizeof header, 0),
               static_cast<ssize_t>(sizeof header));
  cr_assert(ends.master.receive() == Channel::Status::ok);
  const size_t held = ends.master.held_bytes();
  for (int pieces = 0; pieces < 10; ++pieces) {
    Frame frame;
    cr_assert(ends.master.next(frame, PeerState::loading) == Channel::Status::again);
    cr_assert_eq(::send(ends.zygote.descriptor(), "12345678", 8, 0), 8);
    cr_assert(ends.master.receive() == Channel::Status::ok);
  }
  cr_assert_eq(ends.master.held_bytes(), held);
  cr_assert_eq(ends.receive(PeerState::loading).body.size(), 80);
}

Test(channel, descriptors_come_with_their_frame) {
  Ends ends(Channel::Carries::descriptors);
  int pipe_ends[2];
  cr_assert_eq(::pipe(pipe_ends), 0);
  const FileDescriptor reading(pipe_ends[0]);
  FileDescriptor writing(pipe_ends[1]);
  const int descriptors[] = {writing.get(), reading.get(), reading.get()};
  ends.zygote.send(3, message::WorkerForked{3, 30}, descriptors);
  ends.zygote.send(4, message::ZygoteForked{4, 40}, std::span(descriptors).first<1>());
  Frame frame = ends.receive();
  cr_assert(frame.sequence == 3 && frame.descriptors == 3);
  writing.reset();
  FileDescriptor received = ends.master.take_descriptor();
  cr_assert((::fcntl(received.get(), F_GETFD) & FD_CLOEXEC) != 0);
  cr_assert_eq(::write(received.get(), "!", 1), 1);
  char byte = 0;
  cr_assert(::read(reading.get(), &byte, 1) == 1 && byte == '!');
  ends.master.take_descriptor();
  ends.master.take_descriptor();
  frame = ends.receive();
  cr_assert(frame.sequence == 4 && frame.descriptors == 1);
}

Test(channel, a_descriptor_comes_with_a_body_larger_than_the_socket_buffer) {
  SocketPair pair = std::move(*make_socket_pair());
  Channel master(std::move(pair.ends[0]), Party::zygote, Channel::Carries::descriptors, limit);
  Channel zygote(std::move(pair.ends[1]), Party::master, Channel::Carries::descriptors, limit);
  const std::string source(500'000, 's');
  std::thread sender([&] {
    const int descriptors[] = {master.descriptor()};
    master.send(1, message::Grow{.generation = 1, .load = {{"name", 1, source, {}}}}, descriptors);
  });
  Frame frame{};
  Channel::Status status;
  while ((status = zygote.next(frame, PeerState::ready)) == Channel::Status::again)
    cr_assert(zygote.receive() == Channel::Status::ok);
  sender.join();
  cr_assert(status == Channel::Status::ok && zygote.take_descriptor());
  cr_assert_eq(frame.read<message::Grow>()->load.at(0).source, source);
}

Test(channel, the_peers_end_is_seen) {
  ::signal(SIGPIPE, SIG_IGN); // as all its processes do
  SocketPair pair = std::move(*make_socket_pair());
  Channel master(std::move(pair.ends[1]), Party::zygote, Channel::Carries::frames, limit);
  pair.ends[0].reset();
  cr_assert(master.receive() == Channel::Status::closed);
  master.add(MessageType::fork, 1, "");
  cr_assert(master.flush() == Channel::Status::closed);
}

Test(channel, a_body_over_the_limit_is_broken_before_it_arrives) {
  cr_assert_eq(flaw_of(header_of(MessageType::ready, limit), PeerState::loading), "");
  cr_assert_eq(flaw_of(header_of(MessageType::ready, limit + 1), PeerState::loading),
               "a body is longer than a message may be");
}

Test(channel, a_body_over_its_rows_limit_is_broken_before_it_arrives) {
  cr_assert_eq(flaw_of(header_of(MessageType::exited, 64), PeerState::ready), "");
  cr_assert_eq(flaw_of(header_of(MessageType::exited, 65), PeerState::ready), "exited is too long");
}

Test(channel, a_type_of_another_party_is_broken) {
  cr_assert_eq(flaw_of(header_of(MessageType::fork), PeerState::ready),
               "fork is not for it to send");
}

Test(channel, a_type_of_no_row_is_broken) {
  cr_assert_eq(flaw_of({0, 999, 0, 1}, PeerState::ready), "message 999 does not exist");
}

Test(channel, a_message_that_may_not_come_in_this_state_is_broken) {
  const std::tuple<MessageType, Party, PeerState> early_or_late[] = {
      {MessageType::exited, Party::zygote, PeerState::loading},
      {MessageType::loading, Party::zygote, PeerState::ready},
      {MessageType::ready, Party::zygote, PeerState::ready}, // a second one
      {MessageType::loading, Party::zygote, PeerState::gone},
      {MessageType::exited, Party::zygote, PeerState::gone},
      {MessageType::done, Party::worker, PeerState::idle},
      {MessageType::console, Party::worker, PeerState::idle},
      {MessageType::debug_output, Party::worker, PeerState::running}, // it does not debug
      {MessageType::fork, Party::master, PeerState::loading},
      {MessageType::fork, Party::master, PeerState::running}, // to a worker
      {MessageType::run, Party::master, PeerState::ready},    // to a zygote
      {MessageType::run, Party::master, PeerState::debugging},
      {MessageType::debug_input, Party::master, PeerState::running},
  };
  for (const auto &[type, from, state] : early_or_late)
    cr_assert(flaw_of(header_of(type), state, from).ends_with(" may not come now"));
}

Test(channel, each_message_passes_in_each_state_of_its_row_and_in_no_other) {
  for_each_message([]<typename Message>() {
    constexpr MessageRow row = Message::row;
    for (const Party from : {Party::master, Party::zygote, Party::worker})
      for (uint8_t bit = 1; bit != 0 && bit <= 32; bit = static_cast<uint8_t>(bit << 1)) {
        const auto state = static_cast<PeerState>(bit);
        const FrameHeader header = header_of(row.type, 1, row.descriptors); // it ends there
        const bool passes = from == row.from && (static_cast<uint8_t>(row.states) & bit) != 0;
        cr_assert_eq(flaw_of(header, state, from).empty(), passes, "%s in state %d from %d",
                     row.name.data(), bit, static_cast<int>(from));
      }
  });
}

Test(channel, a_number_of_descriptors_that_is_not_the_rows_is_broken) {
  for (const uint16_t descriptors : std::initializer_list<uint16_t>{0, 1, 2, 4, 65535})
    cr_assert_eq(flaw_of(header_of(MessageType::worker_forked, 0, descriptors), PeerState::ready),
                 "worker_forked has another number of descriptors");
  cr_assert_eq(flaw_of(header_of(MessageType::exited, 0, 1), PeerState::ready),
               "exited has another number of descriptors");
}

Test(channel, announced_descriptors_that_do_not_come_are_broken) {
  cr_assert_eq(flaw_of(header_of(MessageType::worker_forked, 0, 3), PeerState::ready),
               "descriptors were announced that did not come");
}

Test(channel, descriptors_that_no_frame_has_are_broken) {
  Ends ends(Channel::Carries::descriptors);
  const int input[] = {STDIN_FILENO, STDIN_FILENO, STDIN_FILENO};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof input)] = {};
  char byte = 0;
  iovec part{&byte, 1};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  *CMSG_FIRSTHDR(&message) = {CMSG_LEN(sizeof input), SOL_SOCKET, SCM_RIGHTS};
  std::memcpy(CMSG_DATA(CMSG_FIRSTHDR(&message)), input, sizeof input);
  Channel::Status status = Channel::Status::again;
  for (int bytes = 0; bytes < 4 && status == Channel::Status::again;
       ++bytes) { // of no whole header
    cr_assert_eq(::sendmsg(ends.zygote.descriptor(), &message, 0), 1);
    cr_assert(ends.master.receive() == Channel::Status::ok);
    Frame frame;
    status = ends.master.next(frame, PeerState::ready);
  }
  cr_assert(status == Channel::Status::broken);
  cr_assert_eq(ends.master.flaw(), "more descriptors came than any message has");
}

Test(channel, frames_that_are_put_back_come_before_what_is_unread) {
  Ends ends;
  for (uint32_t i = 1; i <= 3; ++i)
    ends.zygote.add(MessageType::loading, i, std::string(i, 'x'));
  cr_assert(ends.zygote.flush() == Channel::Status::ok);
  cr_assert_eq(ends.receive(PeerState::loading).sequence, 1);
  const std::string rest(ends.master.unread());
  const size_t second = sizeof(FrameHeader) + 2;
  cr_assert_eq(rest.size(), second + sizeof(FrameHeader) + 3);
  ends.master.put_back(rest.substr(0, second)); // the second frame once more
  for (const uint32_t expected : {2u, 2u, 3u}) {
    const Frame frame = ends.receive(PeerState::loading);
    cr_assert_eq(frame.sequence, expected);
    cr_assert_eq(frame.body, std::string(expected, 'x'));
  }
  cr_assert(ends.master.unread().empty());
}
