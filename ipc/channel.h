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
#include <optional>
#include <span>
#include <string>
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

  template <typename Message> Result<Message> read(Skimmer *depth = nullptr) const {
    return read_message<Message>(body, depth);
  }
};

// Of what a send failed with: nobody is gone, the kernel has no room at the moment, or no memory.
bool is_for_the_moment(int error);

// One end of such a socket. Works on blocking sockets (zygote, worker) and on non-blocking ones
// (master), on one thread. The peer may be hostile: a frame over `max_body_bytes`, or one that does
// not keep to its message's row (who sends it and when, its length, its descriptors) is reported as
// broken; the owner then ends the peer. Its process ignores SIGPIPE: a worker may write, and not send.
class Channel {
public:
  enum class Status : uint8_t { ok, again, closed, broken };

  // The control channel's frames carry descriptors, a worker's don't.
  enum class Carries : uint8_t { frames, descriptors };

  Channel(FileDescriptor socket, Party peer, Carries carries, uint32_t max_body_bytes)
      : socket_(std::move(socket)), peer_(peer), carries_(carries),
        max_body_bytes_(max_body_bytes) {}

  int descriptor() const { return socket_.get(); }

  // Puts a frame into the output. Nothing is written before flush().
  template <typename Message> void add(uint32_t sequence, const Message &message) {
    write_message(begin(Message::row.type, sequence), message);
    end();
  }
  // The same, but the last field, a raw value, is written by the caller, into what is returned.
  template <typename Message> Buffer &begin(uint32_t sequence, const Message &message) {
    Buffer &body = begin(Message::row.type, sequence);
    write_up_to_last(body, message);
    return body;
  }
  void end(); // closes what begin() opened
  // Drops a frame that was begun.
  void abandon();
  // With a body that was, or is now, written elsewhere.
  Buffer &begin(MessageType type, uint32_t sequence);
  void add(MessageType type, uint32_t sequence, std::string_view body);
  // Sends one frame at once together with descriptors (which stay the caller's); on blocking sockets,
  // as flush_all().
  template <typename Message>
  Status send(uint32_t sequence, const Message &message,
              std::span<const int, Message::row.descriptors> descriptors) {
    Buffer body;
    write_message(body, message);
    return send_whole(Message::row.type, sequence, body.view(), descriptors);
  }
  // The same once, on any socket.
  Status send_with_descriptors(MessageType type, uint32_t sequence, std::string_view body,
                               std::span<const int> descriptors);

  // Writes what is there. again: the socket is full (non-blocking); closed: the peer is gone.
  Status flush();
  // On a blocking socket: what the kernel has no memory for is tried until it has. ok or closed.
  Status flush_all();
  size_t output_bytes() const { return output_.size(); }
  // Memory of what was not sent yet, and of what was received and not taken yet.
  size_t held_bytes() const { return output_.held_bytes() + input_.held_bytes(); }

  enum class Wait : uint8_t { until_there, no };
  // Reads once. ok: something came; again: nothing there (non-blocking, or interrupted by a signal),
  // or no memory for it.
  Status receive(Wait wait = Wait::until_there);
  // The next complete frame, if any. ok, again (incomplete) or broken. `state`: of the zygote or
  // worker, be it the peer or this process.
  Status next(Frame &frame, PeerState state);
  // What was broken, for the log: "ready may not come now".
  const std::string &flaw() const { return flaw_; }
  // What was received behind the last frame. To be kept apart while the channel's memory is
  // rewound, for example.
  std::string_view unread() const { return input_.view().substr(taken_); }
  // Puts whole frames before what is unread: they are next.
  void put_back(std::string_view frames);
  // The next of those that came with a frame, as many as that said.
  FileDescriptor take_descriptor();

private:
  Status send_whole(MessageType type, uint32_t sequence, std::string_view body,
                    std::span<const int> descriptors);
  Status incomplete();
  Status broken(std::string flaw);
  ssize_t receive_with_descriptors(char *room, size_t bytes, int flags);

  FileDescriptor socket_;
  Party peer_;
  Carries carries_;
  uint32_t max_body_bytes_;
  Buffer output_, input_;
  std::optional<size_t> frame_begin_; // of the frame being written, in output_
  size_t taken_ = 0;                  // bytes of the frame that next() returned last
  std::deque<FileDescriptor> descriptors_;
  std::string flaw_;
};

// A connected pair of sockets, closed at exec. [0] and [1] are alike.
struct SocketPair {
  FileDescriptor ends[2];
};
Result<SocketPair> make_socket_pair();

} // namespace lethe
