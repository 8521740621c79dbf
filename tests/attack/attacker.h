// SPDX-License-Identifier: Apache-2.0
// A daemon whose scripts have native code (zygote/hook.cc), one client who uses that, and another
// one who only wants to be served.
#pragma once

#include "ipc/channel.h"
#include "tests/harness/daemon.h"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace lethe::test {

std::string hostile_programs(); // a folder with lethed and such a lethe-zygote

// Of another user, where the test may be one. Calls again and again, and notes how long that takes.
class Bystander {
public:
  // Calls for a while first, as nothing else happens.
  explicit Bystander(const Daemon &daemon);
  ~Bystander();
  // Stops. Every call since the beginning has been answered, and soon.
  void expect_served(Where where = Where::here());

private:
  void call_on();

  Client client_;
  double idle_p99_ms_ = 0;
  std::vector<double> ms_;
  std::string failure_;
  std::atomic<bool> stops_{false};
  std::thread thread_;
};

class Attack {
public:
  explicit Attack(std::vector<std::string> settings = {});

  Daemon &daemon() { return *daemon_; }
  Client &client() { return client_; }

  // Runs this as the body of an async function, in a worker whose process is known from then on.
  // What it finds beside `attack` is in attacker.cc. `frames` are there under that name.
  uint32_t start(const std::string &body, const std::vector<json> &frames = {},
                 json options = json::object());
  Reply run(const std::string &body, const std::vector<json> &frames = {},
            const json &options = json::object());
  json error(const std::string &body, const std::vector<json> &frames = {},
             const json &options = json::object(), Where where = Where::here());
  json result(const std::string &body, const std::vector<json> &frames = {},
              const json &options = json::object(), Where where = Where::here());

  size_t begun() const { return processes_.size(); } // so many have said where they are
  pid_t last_pid() const { return pids_.back(); }
  // All processes in which something ran so far end soon.
  void expect_gone(Where where = Where::here());
  // The same, and the other client was served all the time.
  void expect_over(Where where = Where::here());
  json stats() { return client_.result("stats", json::array()); }

private:
  std::optional<Daemon> daemon_;
  Client client_;
  Bystander bystander_;
  std::vector<pid_t> pids_;
  std::vector<FileDescriptor> processes_;
};

// A frame as bytes; whose number it bears the script says.
json frame_of(uint16_t type, std::string_view body, uint16_t descriptors = 0);
json head_of(uint16_t type, uint32_t body_bytes);
template <typename Message> json frame(const Message &message) {
  Buffer body;
  write_message(body, message);
  return frame_of(static_cast<uint16_t>(Message::row.type), body.view());
}

} // namespace lethe::test
