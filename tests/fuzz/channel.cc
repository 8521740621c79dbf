// SPDX-License-Identifier: Apache-2.0
// Any bytes as what a zygote or a worker sends: the master's end of the channel gives whole frames
// or calls them broken.
#include "ipc/channel.h"

#include <cstdlib>
#include <sys/socket.h>

using namespace lethe;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  constexpr uint32_t limit = 2048;
  SocketPair pair = std::move(*make_socket_pair());
  const Party peer = size % 2 ? Party::zygote : Party::worker;
  const auto state = static_cast<PeerState>(1u << size / 2 % 6);
  Channel master(std::move(pair.ends[1]), peer, Channel::Carries::descriptors, limit);
  if (size > 0 && ::send(pair.ends[0].get(), data, size, 0) != static_cast<ssize_t>(size))
    std::abort();
  pair.ends[0].reset();
  while (master.receive() == Channel::Status::ok) {
    Frame frame{};
    Channel::Status status;
    while ((status = master.next(frame, state)) == Channel::Status::ok)
      if (frame.body.size() > limit || !may_send(peer, state, static_cast<uint16_t>(frame.type)) ||
          frame.descriptors > 0)
        std::abort();
    if (status == Channel::Status::broken)
      return 0;
  }
  return 0;
}
