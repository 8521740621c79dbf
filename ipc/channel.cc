// SPDX-License-Identifier: Apache-2.0
// Frames in and out of a socket.
#include "ipc/channel.h"
#include "ipc/invariant.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

namespace lethe {
namespace {

constexpr size_t read_bytes = 64 * 1024;
constexpr size_t keep_bytes = 256 * 1024; // of an idle buffer
constexpr size_t most_descriptors = 4;    // of one frame

// Where nothing tells when there is some. (ppoll: a worker may make no other call that waits.)
void await_memory() {
  const timespec moment{0, 1'000'000};
  ::ppoll(nullptr, 0, &moment, nullptr);
}

} // namespace

bool is_for_the_moment(int error) {
  return error == EAGAIN || error == ENOBUFS || error == ENOMEM || error == ETOOMANYREFS;
}

Buffer &Channel::begin(MessageType type, uint32_t sequence) {
  const FrameHeader header{0, static_cast<uint16_t>(type), 0, sequence};
  // A conversion into the frame that ran a script could write a console line into its middle.
  invariant(!frame_begin_, "one frame is written after the other", {"type", type});
  frame_begin_ = output_.size();
  output_.write(reinterpret_cast<const char *>(&header), sizeof header);
  return output_;
}

void Channel::end() {
  invariant(frame_begin_, "a frame ends that has begun");
  const size_t bytes = output_.size() - *frame_begin_ - sizeof(FrameHeader);
  invariant(bytes <= UINT32_MAX, "a frame's length fits into its head", {"bytes", bytes});
  const auto body_bytes = static_cast<uint32_t>(bytes);
  std::memcpy(output_.data() + *frame_begin_, &body_bytes, sizeof body_bytes);
  frame_begin_.reset();
}

void Channel::abandon() {
  invariant(frame_begin_, "a frame is abandoned that has begun");
  output_.truncate(*frame_begin_);
  frame_begin_.reset();
}

void Channel::add(MessageType type, uint32_t sequence, std::string_view body) {
  begin(type, sequence).append(body);
  end();
}

Channel::Status Channel::send_with_descriptors(MessageType type, uint32_t sequence,
                                               std::string_view body,
                                               std::span<const int> descriptors) {
  invariant(descriptors.size() <= most_descriptors, "a frame carries few descriptors",
            {"descriptors", descriptors.size()});
  // What was written before goes first, as this frame goes past the output.
  if (const Status status = flush(); status != Status::ok)
    return status;
  FrameHeader header{static_cast<uint32_t>(body.size()), static_cast<uint16_t>(type),
                     static_cast<uint16_t>(descriptors.size()), sequence};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * most_descriptors)] = {};
  iovec parts[2] = {{&header, sizeof header}, {const_cast<char *>(body.data()), body.size()}};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  message.msg_control = control;
  message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
  cmsghdr *head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(descriptors.size_bytes());
  std::memcpy(CMSG_DATA(head), descriptors.data(), descriptors.size_bytes());
  ssize_t sent = 0;
  do
    sent = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  if (sent < 0)
    return is_for_the_moment(errno) ? Status::again : Status::closed;
  // The descriptors went with the first byte; the rest is ordinary output.
  const auto done = static_cast<size_t>(sent);
  if (done < sizeof header)
    output_.write(reinterpret_cast<const char *>(&header) + done, sizeof header - done);
  output_.append(body.substr(std::min(body.size(), done - std::min(done, sizeof header))));
  return flush();
}

Channel::Status Channel::flush() {
  invariant(!frame_begin_, "whole frames are sent");
  while (!output_.empty()) {
    const ssize_t sent = ::write(socket_.get(), output_.data(), output_.size());
    if (sent < 0) {
      if (errno == EINTR)
        continue;
      return is_for_the_moment(errno) ? Status::again : Status::closed;
    }
    output_.consume(static_cast<size_t>(sent));
  }
  output_.shrink(keep_bytes);
  return Status::ok;
}

Channel::Status Channel::flush_all() {
  Status status = flush();
  for (; status == Status::again; status = flush())
    await_memory();
  return status;
}

Channel::Status Channel::send_whole(MessageType type, uint32_t sequence, std::string_view body,
                                    std::span<const int> descriptors) {
  if (const Status status = flush_all(); status != Status::ok)
    return status;
  Status status = send_with_descriptors(type, sequence, body, descriptors);
  for (; status == Status::again && output_bytes() == 0;
       status = send_with_descriptors(type, sequence, body, descriptors))
    await_memory();
  return status == Status::again ? flush_all() : status; // it is on its way
}

Channel::Status Channel::receive(Wait wait) {
  input_.consume(taken_);
  taken_ = 0;
  // A buffer grows for the frame that has begun alone; else what is left of it will do.
  size_t least = input_.empty() ? read_bytes : 1;
  if (input_.size() >= sizeof(FrameHeader)) {
    FrameHeader header;
    std::memcpy(&header, input_.data(), sizeof header);
    // A length that next() will refuse reserves no more than the longest that it takes.
    const size_t frame_bytes = sizeof header + std::min(header.body_bytes, max_body_bytes_);
    if (frame_bytes > input_.size())
      least = frame_bytes - input_.size();
  }
  char *room = input_.reserve(least);
  // At most: what follows that frame stays small.
  const size_t wanted = std::min(input_.writable(), std::max(least, read_bytes));
  const int flags = wait == Wait::no ? MSG_DONTWAIT : 0;
  const ssize_t received = carries_ == Carries::descriptors
                               ? receive_with_descriptors(room, wanted, flags)
                               : ::recv(socket_.get(), room, wanted, flags);
  if (received == 0)
    return Status::closed;
  if (received < 0)
    return is_for_the_moment(errno) || errno == EINTR ? Status::again : Status::closed;
  input_.commit(static_cast<size_t>(received));
  return Status::ok;
}

ssize_t Channel::receive_with_descriptors(char *room, size_t bytes, int flags) {
  iovec part{room, bytes};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * most_descriptors)];
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  // Descriptors may come with any piece of a frame: they wait in the order in which they were sent.
  const ssize_t received = ::recvmsg(socket_.get(), &message, flags | MSG_CMSG_CLOEXEC);
  for (cmsghdr *head = received > 0 ? CMSG_FIRSTHDR(&message) : nullptr; head;
       head = CMSG_NXTHDR(&message, head)) {
    if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
      continue;
    for (size_t i = 0; i < (head->cmsg_len - CMSG_LEN(0)) / sizeof(int); ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(head) + i * sizeof(int), sizeof fd);
      descriptors_.emplace_back(fd);
    }
  }
  return received;
}

Channel::Status Channel::next(Frame &frame, PeerState state) {
  input_.consume(taken_);
  taken_ = 0;
  FrameHeader header;
  if (input_.size() < sizeof header) {
    if (input_.empty())
      input_.shrink(keep_bytes);
    return incomplete();
  }
  std::memcpy(&header, input_.data(), sizeof header);
  // The head is judged before its body has come: a hostile peer does not get us to wait for it.
  if (auto flaw = flaw_of_frame(peer_, state, header.type, header.body_bytes, header.descriptors))
    return broken(std::move(*flaw));
  if (header.body_bytes > max_body_bytes_)
    return broken("a body is longer than a message may be");
  if (input_.size() < sizeof header + header.body_bytes)
    return incomplete();
  if (header.descriptors > descriptors_.size())
    return broken("descriptors were announced that did not come");
  frame = {static_cast<MessageType>(header.type), header.descriptors, header.sequence,
           input_.view().substr(sizeof header, header.body_bytes)};
  taken_ = sizeof header + header.body_bytes;
  return Status::ok;
}

// Those that have come are for the frame that has begun, or else for none.
Channel::Status Channel::incomplete() {
  return descriptors_.size() <= most_descriptors
             ? Status::again
             : broken("more descriptors came than any message has");
}

Channel::Status Channel::broken(std::string flaw) {
  flaw_ = std::move(flaw);
  return Status::broken;
}

void Channel::put_back(std::string_view frames) {
  Buffer together;
  together.append(frames);
  together.append(unread());
  input_ = std::move(together);
  taken_ = 0;
}

FileDescriptor Channel::take_descriptor() {
  // next() has seen that as many are there as its frame says.
  invariant(!descriptors_.empty(), "a descriptor is taken once");
  FileDescriptor descriptor = std::move(descriptors_.front());
  descriptors_.pop_front();
  return descriptor;
}

Result<SocketPair> make_socket_pair() {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
    return Error(ErrorCode::internal, system_message("socketpair"));
  SocketPair pair;
  pair.ends[0].reset(fds[0]);
  pair.ends[1].reset(fds[1]);
  return pair;
}

} // namespace lethe
