// SPDX-License-Identifier: Apache-2.0
// Frames on a stream socket between our own processes: a fixed header, a MessagePack body,
// descriptors where the message has some.
#pragma once

#include "ipc/buffer.h"
#include "ipc/error.h"
#include "ipc/file_descriptor.h"
#include "ipc/messages.h"

#include <cstdint>
#include <deque>
#include <span>
#include <string_view>

namespace lethe {

struct FrameHeader {
  uint32_t body_bytes;
  uint16_t type; // MessageType
  uint16_t descriptors;
  uint32_t sequence;
};
static_assert(sizeof(FrameHeader) == 12);

struct Frame {
  MessageType type;
  uint16_t descriptors; // that many are next in Channel::take_descriptor()
  uint32_t sequence;
  std::string_view body; // in the channel's memory: valid until the next call on it
};

// One end of such a socket. Works on blocking sockets (zygote, worker) and on non-blocking ones
// (master), on one thread. The peer may be hostile: a frame over `max_body_bytes`, of a type that
// `peer` may not send, or with descriptors where none belong is reported as broken; the owner then
// ends the peer.
class Channel {
public:
  enum class Status : uint8_t { ok, again, closed, broken };

  // The control channel's frames carry descriptors, a worker's don't.
  enum class Carries : uint8_t { frames, descriptors };

  Channel(FileDescriptor socket, Party peer, Carries carries, uint32_t max_body_bytes)
      : socket_(std::move(socket)), peer_(peer), carries_(carries),
        max_body_bytes_(max_body_bytes) {}

  int descriptor() const { return socket_.get(); }

  // Puts a frame into the output. Nothing is written before flush(). The body is written by
  // msgpack::packer<Buffer>(channel.begin(…)), or in one piece by add().
  Buffer &begin(MessageType type, uint32_t sequence);
  void end(); // closes what begin() opened
  // Drops a frame that was begun.
  void abandon();
  void add(MessageType type, uint32_t sequence, std::string_view body);
  // Sends one frame at once together with descriptors (which stay the caller's); for blocking
  // sockets.
  Status send_with_descriptors(MessageType type, uint32_t sequence, std::string_view body,
                               std::span<const int> descriptors);

  // Writes what is there. again: the socket is full (non-blocking); closed: the peer is gone.
  Status flush();
  size_t output_bytes() const { return output_.size(); }

  enum class Wait : uint8_t { until_there, no };
  // Reads once. ok: something came; again: nothing there (non-blocking, or interrupted by a
  // signal).
  Status receive(Wait wait = Wait::until_there);
  // The next complete frame, if any. ok, again (incomplete) or broken.
  Status next(Frame &frame);
  // What was received behind the last frame. To be kept apart while the channel's memory is
  // rewound, for example.
  std::string_view unread() const { return input_.view().substr(taken_); }
  // Puts whole frames before what is unread: they are next.
  void put_back(std::string_view frames);
  FileDescriptor take_descriptor();

private:
  ssize_t receive_with_descriptors(char *room, size_t bytes, int flags);

  FileDescriptor socket_;
  Party peer_;
  Carries carries_;
  uint32_t max_body_bytes_;
  Buffer output_, input_;
  size_t frame_begin_ = 0; // of the frame being written, in output_
  size_t taken_ = 0;       // bytes of the frame that next() returned last
  std::deque<FileDescriptor> descriptors_;
};

// A connected pair of sockets, closed at exec. [0] and [1] are alike.
struct SocketPair {
  FileDescriptor ends[2];
};
Result<SocketPair> make_socket_pair();

} // namespace lethe
