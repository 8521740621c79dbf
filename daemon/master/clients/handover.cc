// SPDX-License-Identifier: Apache-2.0
// The service manager's descriptor store (sd_notify(3), FDSTORE=1).
#include "daemon/master/clients/handover.h"
#include "ipc/files.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

namespace lethe {
namespace {

// Names what is stored. Another number: another form of the state file.
constexpr std::string_view name_prefix = "client1-";
constexpr uint64_t barrier_us = 5'000'000;

// The state file: this, the output, the client's name, the input.
struct StateHead {
  uint64_t output_bytes;
  uint32_t last_host_call;
  // What is 0 here is as without `hello`.
  ErrorShape errors;
  NumberShape numbers;
  bool no_host_calls;
  uint8_t client_bytes;
};

// The manager keeps descriptors, no data: what a connection has received and not sent lies in a
// memfd.
FileDescriptor write_state(const ConnectionState &connection) {
  const std::string name = "lethe-connection";
  FileDescriptor file(memfd_create(name.c_str(), MFD_CLOEXEC));
  const Hello &hello = connection.hello;
  const StateHead head{connection.output.size(),
                       connection.last_host_call,
                       hello.errors,
                       hello.numbers,
                       !hello.host_calls,
                       static_cast<uint8_t>(hello.client.size())};
  if (!file || !write_all(file.get(), {reinterpret_cast<const char *>(&head), sizeof head}, name) ||
      !write_all(file.get(), connection.output, name) ||
      !write_all(file.get(), hello.client, name) || !write_all(file.get(), connection.input, name))
    return {};
  return file;
}

bool read_state(const FileDescriptor &file, ConnectionState &connection) {
  struct stat status {};
  StateHead head{};
  if (fstat(file.get(), &status) < 0 || status.st_size < static_cast<off_t>(sizeof head))
    return false;
  std::string bytes(static_cast<size_t>(status.st_size), '\0');
  if (::pread(file.get(), bytes.data(), bytes.size(), 0) != status.st_size)
    return false;
  std::memcpy(&head, bytes.data(), sizeof head);
  bytes.erase(0, sizeof head);
  if (head.output_bytes > bytes.size() || head.client_bytes > bytes.size() - head.output_bytes)
    return false;
  connection.output = bytes.substr(0, head.output_bytes);
  connection.input = bytes.substr(head.output_bytes + head.client_bytes);
  connection.last_host_call = head.last_host_call;
  connection.hello = {bytes.substr(head.output_bytes, head.client_bytes), head.errors, head.numbers,
                      !head.no_host_calls};
  return true;
}

bool is_socket(const FileDescriptor &descriptor) {
  return sd_is_socket(descriptor.get(), AF_UNIX, SOCK_STREAM, 0) > 0;
}

} // namespace

bool can_hand_over() {
  const char *room = std::getenv("FDSTORE");
  return std::getenv("NOTIFY_SOCKET") && room && std::atoi(room) > 0;
}

void hand_over(std::vector<ConnectionState> &&connections) {
  size_t number = 0;
  for (const ConnectionState &connection : connections) {
    const FileDescriptor state = write_state(connection);
    if (!state)
      continue;
    const int descriptors[] = {connection.socket.get(), state.get()};
    sd_pid_notify_with_fds(0, 0,
                           fmt::format("FDSTORE=1\nFDNAME={}{}", name_prefix, number++).c_str(),
                           descriptors, std::size(descriptors));
  }
  // sd_notify only sends. The barrier returns when the manager has read all before it, and the
  // sockets may be closed.
  sd_notify_barrier(0, barrier_us);
}

InheritedDescriptors inherit_descriptors() {
  InheritedDescriptors inherited;
  char **names = nullptr;
  const int count = sd_listen_fds_with_names(1, &names);
  for (int i = 0; i < count; ++i) {
    FileDescriptor descriptor(SD_LISTEN_FDS_START + i);
    const std::string name = names[i];
    std::free(names[i]);
    if (!name.starts_with(name_prefix)) {
      if (sd_is_socket(descriptor.get(), AF_UNIX, SOCK_STREAM, 1) > 0)
        inherited.listening.push_back(std::move(descriptor));
      continue;
    }
    auto place = std::find_if(inherited.stored.begin(), inherited.stored.end(),
                              [&](const auto &stored) { return stored.name == name; });
    if (place == inherited.stored.end())
      place = inherited.stored.insert(place, {name, {}});
    place->descriptors.push_back(std::move(descriptor));
  }
  std::free(names);
  return inherited;
}

std::vector<ConnectionState> take_over(std::vector<InheritedDescriptors::Stored> &&stored) {
  std::vector<ConnectionState> connections;
  for (auto &[name, descriptors] : stored) {
    // The manager forgets the connection, or it would give it to the next daemon as well.
    sd_notify(0, fmt::format("FDSTOREREMOVE=1\nFDNAME={}", name).c_str());
    if (descriptors.size() != 2) // its client has gone meanwhile
      continue;
    if (!is_socket(descriptors[0]))
      std::swap(descriptors[0], descriptors[1]);
    ConnectionState connection;
    if (!is_socket(descriptors[0]) || !read_state(descriptors[1], connection))
      continue;
    connection.socket = std::move(descriptors[0]);
    connections.push_back(std::move(connection));
  }
  return connections;
}

} // namespace lethe
