// SPDX-License-Identifier: Apache-2.0
// Clients' connections, from one lethed to the next: the service manager keeps them in between.
#pragma once

#include "daemon/master/operation/hello.h"
#include "ipc/file_descriptor.h"

#include <cstdint>
#include <string>
#include <vector>

namespace lethe {

// A connection between two requests, or before one that it has begun to send.
struct ConnectionState {
  FileDescriptor socket;
  std::string input;  // received, not handled yet
  std::string output; // not sent yet
  uint32_t last_host_call = 0;
  Hello hello;
};

// Will the service manager keep descriptors over a restart? Units say so by
// FileDescriptorStoreMax=, and we know it by $FDSTORE (which systemd sets by itself since 254).
bool can_hand_over();

// Gives connections to the service manager. When this returns, it has them.
void hand_over(std::vector<ConnectionState> &&connections);

// What the service manager passed at the start, read once.
struct InheritedDescriptors {
  struct Stored {
    std::string name;
    std::vector<FileDescriptor> descriptors; // the socket, and the file with its state
  };
  std::vector<FileDescriptor> listening;
  std::vector<Stored> stored;
};
InheritedDescriptors inherit_descriptors();

// Makes connections of what was stored, and lets the service manager forget it. What isn't
// understood is closed.
std::vector<ConnectionState> take_over(std::vector<InheritedDescriptors::Stored> &&stored);

} // namespace lethe
