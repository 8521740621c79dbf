// SPDX-License-Identifier: Apache-2.0
// A worker that claims requests and answers them, or does anything else.
#pragma once

#include "ipc/channel.h"
#include "ipc/worker_page.h"
#include "tests/simulation/kernel.h"

#include <deque>
#include <optional>
#include <string>

namespace lethe::simulation {

class SimulatedZygote;

class SimulatedWorker final : public SimulatedProcess {
public:
  SimulatedWorker(World &world, SimulatedKernel &kernel, SimulatedZygote &parent,
                  FileDescriptor socket, const FileDescriptor &page);
  ~SimulatedWorker() override;
  std::string_view kind() const override { return "worker"; }
  int64_t cpu_us() const override;
  bool runs_over(pid_t family, pid_t zygote) const override {
    return run_ && family_ == family && zygote_ != zygote;
  }

private:
  struct Message {
    MessageType type;
    uint32_t sequence;
    std::string body;
  };
  struct Run {
    uint32_t sequence;
    uint32_t flags;
    int64_t number; // of the request
    int step;
    bool ignores_interrupts = false;
    int host_calls = 0; // not answered yet
  };

  void hear() override;
  void go_on();
  void begin(const Message &message);
  void run();
  void finish();
  void answer();
  void after_answer();
  void compute_on();
  bool tell_lie();
  void die();
  void say(MessageType type, std::string_view body);
  template <typename Message> void say(const Message &message) {
    Buffer body;
    write_message(body, message);
    say(Message::row.type, body.view());
  }
  void flush();
  void close_descriptors() override;
  void gets_signal(int number) override;
  void orphaned() override;

  pid_t family_, zygote_; // that it was forked by
  std::optional<Channel> channel_;
  WorkerPage *page_;
  std::deque<Message> inbox_;
  std::optional<Run> run_;
  uint64_t runs_ = 0; // begun, to know whether a run is still the same
  bool is_ready_ = false, rests_ = false, hears_no_more_ = false, liar_ = false;
  int64_t cpu_us_ = 0; // of what it was to do
  int64_t burns_since_us_ = 0, burns_percent_ = 0;
  int64_t said_ = 0; // the request whose last result is in the output
};

} // namespace lethe::simulation
