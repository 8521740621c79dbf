// SPDX-License-Identifier: Apache-2.0
// What of a frame is checked before its body has come.
#include "ipc/messages.h"

namespace lethe {

std::optional<std::string> flaw_of_frame(Party from, PeerState state, uint16_t type,
                                         uint32_t body_bytes, uint16_t descriptors) {
  const MessageRow *row = find_row(type);
  if (!row)
    return "message " + std::to_string(type) + " does not exist";
  if (may_send(from, state, type) && body_bytes <= row->most_bytes &&
      descriptors == row->descriptors)
    return std::nullopt;
  return std::string(row->name).append(row->from != from              ? " is not for it to send"
                                       : !may_send(from, state, type) ? " may not come now"
                                       : body_bytes > row->most_bytes
                                           ? " is too long"
                                           : " has another number of descriptors");
}

} // namespace lethe
