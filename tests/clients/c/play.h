// SPDX-License-Identifier: Apache-2.0
// Plays the steps of a case, on a connection of its own.
#pragma once

#include "tests/clients/c/asked.h"
#include "tests/clients/c/hosts.h"
#include "tests/harness/daemon.h"

#include <functional>
#include <map>
#include <optional>
#include <string>

namespace lethe::test {

// The daemon is stopped, killed and started as steps say; it must outlive this.
class Play {
public:
  Play(Daemon &daemon, Way way);
  Play(const Play &) = delete;
  ~Play();

  // Throws a Failure if a step's outcome is not what it says.
  void play(const json &step);

private:
  struct Started {
    lethe_request *request = nullptr;
    OwnReply reply; // its completion has brought it
  };

  void control_daemon(const std::string &action);
  void die_in_host_function(const json &source);
  void ask_in_child(const json &step);
  void start(const std::string &name, const Asked &asked);
  OwnReply finish(const std::string &name);
  OwnReply ask(Asked &asked);
  void request(const json &step);
  void many(const json &step);
  void request_until(const json &parts);
  void close();
  // Runs handlers and completions until that is true.
  void dispatch_until(const std::function<bool()> &condition);
  static void check(const json &step, const std::function<OwnReply()> &ask);

  Daemon &daemon_;
  Way way_;
  lethe_client *client_;
  std::optional<Hosts> hosts_;
  std::map<std::string, Started> started_; // by name
  json console_, figures_;                 // of the request with a report
};

} // namespace lethe::test
