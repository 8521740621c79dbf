// SPDX-License-Identifier: Apache-2.0
// SO_PEERCRED, and names of users and groups.
#include "daemon/master/clients/access.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <grp.h>
#include <optional>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace lethe {
namespace {

template <typename Id> std::optional<Id> as_number(std::string_view text) {
  Id id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size())
    return std::nullopt;
  return id;
}

} // namespace

Peer peer_of(int socket) {
  Peer peer;
  ucred credentials{};
  socklen_t bytes = sizeof credentials;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &bytes) < 0)
    return peer;
  peer.user = credentials.uid;
  peer.group = credentials.gid;
  gid_t groups[1024];
  bytes = sizeof groups;
  // Where a peer is in more groups than fit, the kernel gives none, and the primary one alone
  // counts.
  if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups, &bytes) == 0)
    peer.further_groups.assign(groups, groups + bytes / sizeof(gid_t));
  return peer;
}

Result<AccessList> AccessList::look_up(std::string_view key,
                                       const std::vector<std::string> &names) {
  AccessList list;
  for (const std::string &name : names) {
    const bool is_group = name.starts_with('@');
    const std::string plain = is_group ? name.substr(1) : name;
    if (is_group) {
      if (const auto number = as_number<gid_t>(plain))
        list.groups_.push_back(*number);
      else if (const group *entry = getgrnam(plain.c_str()))
        list.groups_.push_back(entry->gr_gid);
      else
        return Error(ErrorCode::invalid_request, fmt::format("{}: no group {}", key, plain));
    } else {
      if (const auto number = as_number<uid_t>(plain))
        list.users_.push_back(*number);
      else if (const passwd *entry = getpwnam(plain.c_str()))
        list.users_.push_back(entry->pw_uid);
      else
        return Error(ErrorCode::invalid_request, fmt::format("{}: no user {}", key, plain));
    }
  }
  return list;
}

bool AccessList::admits(const Peer &peer) const {
  const auto has_group = [&](gid_t group) {
    return std::find(groups_.begin(), groups_.end(), group) != groups_.end();
  };
  return std::find(users_.begin(), users_.end(), peer.user) != users_.end() ||
         has_group(peer.group) ||
         std::any_of(peer.further_groups.begin(), peer.further_groups.end(), has_group);
}

bool is_owner(const Peer &peer) { return peer.user == 0 || peer.user == geteuid(); }

} // namespace lethe
