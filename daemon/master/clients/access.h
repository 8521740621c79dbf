// SPDX-License-Identifier: Apache-2.0
// Who is at the other end of a socket, and who may do what.
#pragma once

#include "ipc/error.h"

#include <string>
#include <sys/types.h>
#include <vector>

namespace lethe {

// As the kernel tells it at connect(2); nobody if it does not tell.
struct Peer {
  uid_t user = static_cast<uid_t>(-1);
  gid_t group = static_cast<gid_t>(-1);
  std::vector<gid_t> further_groups;
};
Peer peer_of(int socket);

// Users and groups, looked up when it is made (that may wait for a name service: not from the
// loop's midst, but at start and reload).
class AccessList {
public:
  AccessList() = default;
  // "name" or "1000" is a user, "@name" or "@1000" a group. `key` names the setting in the error.
  static Result<AccessList> look_up(std::string_view key, const std::vector<std::string> &names);
  bool admits(const Peer &peer) const;

private:
  std::vector<uid_t> users_;
  std::vector<gid_t> groups_;
};

// Root, and the user that the daemon runs as.
bool is_owner(const Peer &peer);

} // namespace lethe
