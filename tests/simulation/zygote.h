// SPDX-License-Identifier: Apache-2.0
// A zygote that speaks the control protocol and forks simulated workers.
#pragma once

#include "ipc/channel.h"
#include "tests/simulation/kernel.h"

#include <map>
#include <optional>
#include <set>
#include <string>

namespace lethe::simulation {

class SimulatedZygote final : public SimulatedProcess {
public:
  // Executed, with what is descriptor 3 there.
  SimulatedZygote(World &world, SimulatedKernel &kernel, std::nullptr_t, FileDescriptor control);
  // Forked by another one, to load what the body of a `grow` says.
  SimulatedZygote(World &world, SimulatedKernel &kernel, SimulatedZygote &parent,
                  FileDescriptor control, const message::Grow &grow);
  std::string_view kind() const override { return "zygote"; }
  pid_t family() const { return family_; } // the one that was executed

private:
  void hear() override;
  void serve();
  void fork_worker(const Frame &frame);
  void grow(const Frame &frame);
  void load_next();
  void say_ready();
  template <typename Message> void say(const Message &message) {
    control_->add(0, message);
    control_->flush();
  }
  void close_descriptors() override { control_.reset(); }
  void gets_signal(int number) override;
  void child_ended(SimulatedProcess &child) override;

  pid_t family_;
  std::optional<Channel> control_;
  uint32_t generation_ = 0;
  bool is_ready_ = false, is_busy_ = false, hangs_ = false;
  std::set<std::string> scripts_;
  std::map<std::string, int64_t> layer_bytes_; // by script, when it was loaded last
  std::set<std::string> kept_;                 // whose layers are there
  int64_t kept_bytes() const;
  std::vector<std::string> to_load_;
};

} // namespace lethe::simulation
