// SPDX-License-Identifier: Apache-2.0
// Births, signals and deaths.
#include "tests/simulation/kernel.h"
#include "tests/simulation/zygote.h"

#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/wait.h>

namespace lethe::simulation {
namespace {

ino_t inode_of(const FileDescriptor &pipe) {
  struct stat status {};
  fstat(pipe.get(), &status);
  return status.st_ino;
}

constexpr int exited(int status) { return status << 8; }

// lethe-snapshot.
class SimulatedBuilder final : public SimulatedProcess {
public:
  SimulatedBuilder(World &world, SimulatedKernel &kernel, int standard_error)
      : SimulatedProcess(world, kernel, nullptr),
        standard_error_(fcntl(standard_error, F_DUPFD_CLOEXEC, 3)) {
    later(world_.random.between(1000, 500'000), [this] {
      const bool fails = world_.happens(world_.mix.zygote_faults * 4);
      if (fails) [[maybe_unused]]
        const ssize_t written = ::write(standard_error_.get(), "a preload fails\n", 16);
      kernel_.snapshot_is_built = !fails;
      exit(fails ? 70 : 0);
    });
  }
  std::string_view kind() const override { return "builder"; }

private:
  void hear() override {}
  void close_descriptors() override { standard_error_.reset(); }
  void gets_signal(int number) override {
    if (number == SIGKILL)
      kernel_.end(*this, number);
  }

  FileDescriptor standard_error_;
};

// A child that writes to the disk. Its work is done at its birth, or never.
class SimulatedWriter final : public SimulatedProcess {
public:
  SimulatedWriter(World &world, SimulatedKernel &kernel, FileDescriptor report_end,
                  std::string report)
      : SimulatedProcess(world, kernel, nullptr), report_end_(std::move(report_end)),
        report_(std::move(report)) {
    later(world_.random.delay_us(2000, 100'000), [this] {
      [[maybe_unused]] const ssize_t written =
          ::write(report_end_.get(), report_.data(), report_.size());
      exit(0);
    });
  }
  std::string_view kind() const override { return "writer"; }

private:
  void hear() override {}
  void close_descriptors() override { report_end_.reset(); }
  void gets_signal(int) override {}

  FileDescriptor report_end_;
  std::string report_;
};

} // namespace

// --- processes -----------------------------------------------------------------------------------

SimulatedProcess::SimulatedProcess(World &world, SimulatedKernel &kernel, SimulatedProcess *parent)
    : Ear(world), kernel_(kernel), pid_(++kernel.last_pid_), parent_(parent) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0)
    fatal("there is a pipe for each simulated process");
  pidfd_.reset(ends[0]);
  life_.reset(ends[1]);
  kernel.by_pipe_[inode_of(pidfd_)] = this;
}

FileDescriptor SimulatedProcess::open_pidfd() const {
  return FileDescriptor(fcntl(pidfd_.get(), F_DUPFD_CLOEXEC, 3));
}

void SimulatedProcess::exit(int status) {
  if (lives())
    kernel_.end(*this, exited(status));
}

void SimulatedProcess::later(int64_t delay_us, std::function<void()> callback) {
  world_.timeline.after(delay_us, [this, callback = std::move(callback)] {
    if (lives())
      callback();
  });
}

// --- the kernel ----------------------------------------------------------------------------------

Result<Kernel::Started> SimulatedKernel::start(const ChildPlan &plan) {
  if (world_.happens(world_.mix.zygote_faults * 4))
    return Error(ErrorCode::internal, "fork: Resource temporarily unavailable");
  SimulatedProcess *started = nullptr;
  if (plan.command[1] == "build")
    started = &create<SimulatedBuilder>(plan.standard_error);
  else
    started = &create<SimulatedZygote>(
        nullptr, FileDescriptor(fcntl(plan.descriptor_3, F_DUPFD_CLOEXEC, 3)));
  world_.timeline.note("starts", started->pid());
  return Started{started->pid(), started->open_pidfd()};
}

Result<Kernel::Aside> SimulatedKernel::run_aside(const std::function<std::string()> &work, int) {
  if (world_.happens(world_.mix.zygote_faults * 4))
    return Error(ErrorCode::internal, "fork: Resource temporarily unavailable");
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
    return Error(ErrorCode::internal, system_message("pipe"));
  const bool dies = world_.happens(world_.mix.zygote_faults);
  const auto &writer = create<SimulatedWriter>(FileDescriptor(ends[1]), dies ? "" : work());
  return Aside{writer.pid(), FileDescriptor(ends[0])};
}

bool SimulatedKernel::send_signal(const FileDescriptor &pidfd, int signal) {
  const auto found = by_pipe_.find(inode_of(pidfd));
  if (found == by_pipe_.end()) {
    world_.books.violated("a signal goes to a process of the daemon", fmt::format("{}", signal));
    return false;
  }
  SimulatedProcess &process = *found->second;
  if (process.state() == SimulatedProcess::State::reaped)
    return false;
  world_.timeline.note("signal", process.pid(), signal);
  world_.timeline.after(world_.random.delay_us(50, 2000), [&process, signal] {
    if (process.lives())
      process.gets_signal(signal);
  });
  return true;
}

void SimulatedKernel::end(SimulatedProcess &process, int wait_status) {
  if (!process.lives())
    return;
  world_.timeline.note("ends", process.pid(), wait_status);
  process.state_ = SimulatedProcess::State::zombie;
  process.wait_status_ = wait_status;
  process.close_descriptors();
  process.life_.reset();
  for (const auto &child : processes_)
    if (child->parent_ == &process && child->state() != SimulatedProcess::State::reaped) {
      child->parent_ = nullptr; // the master is its subreaper
      if (child->lives())
        child->orphaned();
      else
        give_to_master(*child);
    }
  if (process.parent_)
    process.parent_->child_ended(process);
  else
    give_to_master(process);
}

void SimulatedKernel::give_to_master(SimulatedProcess &process) {
  masters_zombies_.push_back(&process);
  ::raise(SIGCHLD); // the master's loop has a handler for it
}

void SimulatedKernel::reap(SimulatedProcess &process) {
  process.state_ = SimulatedProcess::State::reaped;
  process.pidfd_.reset();
}

std::optional<Kernel::Ended> SimulatedKernel::reap() {
  if (masters_zombies_.empty())
    return std::nullopt;
  SimulatedProcess &process = *masters_zombies_.front();
  masters_zombies_.pop_front();
  reap(process);
  return Ended{process.pid(), process.wait_status()};
}

std::vector<pid_t> SimulatedKernel::children() {
  std::vector<pid_t> pids;
  for (const auto &process : processes_)
    if (!process->parent_ && process->state() != SimulatedProcess::State::reaped)
      pids.push_back(process->pid());
  return pids;
}

bool SimulatedKernel::has_children() { return !children().empty(); }

SimulatedProcess *SimulatedKernel::process_of(pid_t pid) {
  for (const auto &process : processes_)
    if (process->pid() == pid && process->state() != SimulatedProcess::State::reaped)
      return process.get();
  return nullptr;
}

int64_t SimulatedKernel::cpu_us(pid_t pid) {
  const SimulatedProcess *process = process_of(pid);
  return process ? process->cpu_us() : -1;
}

std::string SimulatedKernel::name_of(pid_t pid) {
  const SimulatedProcess *process = process_of(pid);
  return process ? fmt::format("lethe-{}", process->kind()) : "";
}

FileDescriptor SimulatedKernel::open_pidfd(pid_t child) {
  const SimulatedProcess *process = process_of(child);
  return process ? process->open_pidfd() : FileDescriptor();
}

pid_t SimulatedKernel::parent_of(const FileDescriptor &, pid_t pid) {
  const SimulatedProcess *process = process_of(pid);
  if (!process)
    return 0;
  return process->parent_ ? process->parent_->pid() : ::getpid();
}

void SimulatedKernel::sleep_us(int64_t time_us) {
  const int64_t end_us = world_.timeline.now_us() + time_us;
  bool is_over = false;
  world_.timeline.after(time_us, [&is_over] { is_over = true; });
  pass_time([&] { return is_over; });
  world_.timeline.pass_to(end_us);
}

void SimulatedKernel::kill_any() {
  std::vector<SimulatedProcess *> living;
  for (const auto &process : processes_)
    if (process->lives() && process->kind() != "writer")
      living.push_back(process.get());
  if (!living.empty())
    end(*living[world_.random.next() % living.size()], SIGKILL);
}

bool SimulatedKernel::any_runs_over(pid_t family, pid_t zygote) const {
  return std::ranges::any_of(processes_, [=](const auto &process) {
    return process->lives() && process->runs_over(family, zygote);
  });
}

size_t SimulatedKernel::living(std::string_view kind) const {
  return static_cast<size_t>(std::ranges::count_if(processes_, [kind](const auto &process) {
    return process->lives() && process->kind() == kind;
  }));
}

void SimulatedKernel::kill_most_workers() {
  std::vector<SimulatedProcess *> present; // an end may be followed by new ones
  for (const auto &process : processes_)
    present.push_back(process.get());
  for (SimulatedProcess *process : present)
    if (process->lives() && process->kind() == "worker" && !world_.random.one_in(4))
      end(*process, SIGKILL);
}

void SimulatedKernel::every_process_has_ended() {
  for (const auto &process : processes_)
    if (process->state() != SimulatedProcess::State::reaped)
      return world_.books.violated("every process has ended at the daemon's end",
                                   fmt::format("{} {} {}", process->kind(), process->pid(),
                                               process->lives() ? "lives" : "is a zombie"));
}

} // namespace lethe::simulation
