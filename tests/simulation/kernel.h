// SPDX-License-Identifier: Apache-2.0
// A kernel whose processes are objects of the simulation.
#pragma once

#include "daemon/master/loop/kernel.h"
#include "tests/simulation/world.h"

#include <deque>
#include <map>
#include <memory>

namespace lethe::simulation {

class SimulatedKernel;

// Lives, has ended and waits for its parent (a zombie), or is reaped. The object stays.
class SimulatedProcess : public Ear {
public:
  enum class State : uint8_t { lives, zombie, reaped };

  SimulatedProcess(World &world, SimulatedKernel &kernel, SimulatedProcess *parent);

  pid_t pid() const { return pid_; }
  bool lives() const { return state_ == State::lives; }
  State state() const { return state_; }
  int wait_status() const { return wait_status_; }
  // What stands for a pidfd: it becomes readable when the process ends.
  FileDescriptor open_pidfd() const;
  virtual std::string_view kind() const = 0;
  virtual int64_t cpu_us() const { return 0; }
  // Does it run a request with memory of zygotes of this family, though not with what this one has?
  virtual bool runs_over(pid_t /* family */, pid_t /* zygote */) const { return false; }

protected:
  friend SimulatedKernel;
  void exit(int status); // by itself
  // Calls back unless the process has ended by then.
  void later(int64_t delay_us, std::function<void()> callback);
  virtual void close_descriptors() = 0;
  virtual void gets_signal(int number) = 0;
  virtual void child_ended(SimulatedProcess &) {}
  virtual void orphaned() {}

  SimulatedKernel &kernel_;

private:
  pid_t pid_;
  SimulatedProcess *parent_; // nullptr: the master
  State state_ = State::lives;
  int wait_status_ = 0;
  FileDescriptor pidfd_, life_; // a pipe, whose writing end is closed at the end
};

class SimulatedKernel final : public Kernel {
public:
  explicit SimulatedKernel(World &world) : world_(world) {}

  // For the processes and the schedule.
  template <typename Process, typename... Arguments> Process &create(Arguments &&...arguments) {
    auto process = std::make_unique<Process>(world_, *this, std::forward<Arguments>(arguments)...);
    Process &created = *process;
    processes_.push_back(std::move(process));
    return created;
  }
  void end(SimulatedProcess &process, int wait_status);
  void reap(SimulatedProcess &process);
  void kill_any(); // from outside
  void kill_most_workers();
  // For sleep_us(): lets time go on without the master, until this returns true.
  std::function<void(const std::function<bool()> &)> pass_time;

  // 6: at the daemon's end no process is left, and each was waited for.
  void every_process_has_ended();
  size_t started() const { return processes_.size(); }
  size_t living(std::string_view kind) const;
  bool any_runs_over(pid_t family, pid_t zygote) const;
  bool snapshot_is_built = true;

  Result<Started> start(const ChildPlan &plan) override;
  Result<Aside> run_aside(const std::function<std::string()> &work, int kept) override;
  bool send_signal(const FileDescriptor &pidfd, int signal) override;
  bool is_exiting(pid_t) override { return false; } // an end takes no time here
  int64_t resident_bytes(pid_t) override { return world_.random.between(1 << 20, 300 << 20); }
  int64_t cpu_us(pid_t pid) override;
  std::optional<Ended> reap() override;
  bool has_children() override;
  std::vector<pid_t> children() override;
  std::string name_of(pid_t pid) override;
  FileDescriptor open_pidfd(pid_t child) override;
  pid_t parent_of(const FileDescriptor &pidfd, pid_t pid) override;
  void sleep_us(int64_t time_us) override;

private:
  friend SimulatedProcess;
  void give_to_master(SimulatedProcess &process);
  SimulatedProcess *process_of(pid_t pid);

  World &world_;
  pid_t last_pid_ = 100'000;
  std::vector<std::unique_ptr<SimulatedProcess>> processes_;
  std::map<ino_t, SimulatedProcess *> by_pipe_;
  std::deque<SimulatedProcess *> masters_zombies_;
};

} // namespace lethe::simulation
