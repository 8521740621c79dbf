// SPDX-License-Identifier: Apache-2.0
// The zygote's side of the control channel.
#include "tests/simulation/zygote.h"
#include "ipc/error_map.h"
#include "ipc/message_pack.h"
#include "tests/simulation/worker.h"

#include <csignal>
#include <fcntl.h>
#include <sys/mman.h>

namespace lethe::simulation {
namespace {

constexpr int64_t most_layer_bytes = int64_t{1024} << 20; // as pool.NAME.resident_scripts_mb

std::optional<Channel> open_channel(FileDescriptor socket) {
  fcntl(socket.get(), F_SETFL, O_NONBLOCK);
  return Channel(std::move(socket), Party::master, Channel::Carries::descriptors, UINT32_MAX);
}

FileDescriptor make_page() {
  FileDescriptor file(memfd_create("page", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file || ftruncate(file.get(), sysconf(_SC_PAGESIZE)) < 0 ||
      fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
    fatal("there is a memfd for a simulated worker's page");
  return file;
}

} // namespace

SimulatedZygote::SimulatedZygote(World &world, SimulatedKernel &kernel, std::nullptr_t,
                                 FileDescriptor control)
    : SimulatedProcess(world, kernel, nullptr), family_(pid()),
      control_(open_channel(std::move(control))) {
  world_.ears.add(*this, control_->descriptor());
  later(world_.random.between(1000, 60'000), [this] {
    if (!kernel_.snapshot_is_built)
      return exit(exit_stale_snapshot);
    if (world_.happens(world_.mix.zygote_faults * 4))
      return exit(exit_failed);
    say_ready();
  });
}

SimulatedZygote::SimulatedZygote(World &world, SimulatedKernel &kernel, SimulatedZygote &parent,
                                 FileDescriptor control, const message::Grow &grow)
    : SimulatedProcess(world, kernel, &parent), family_(parent.family_),
      control_(open_channel(std::move(control))), scripts_(parent.scripts_),
      layer_bytes_(parent.layer_bytes_), kept_(parent.kept_) {
  world_.ears.add(*this, control_->descriptor());
  generation_ = grow.generation;
  for (const auto &script : grow.load)
    to_load_.emplace_back(script.name);
  for (const std::string_view name : grow.drop) {
    scripts_.erase(std::string(name));
    kept_.erase(std::string(name));
  }
  for (const std::string_view name : grow.unload)
    if (kept_.erase(std::string(name)) == 0)
      world_.books.violated("what is unloaded was loaded", std::string(name));
  later(world_.random.delay_us(2000, 20'000), [this] { load_next(); });
}

void SimulatedZygote::load_next() {
  if (to_load_.empty())
    return say_ready();
  const std::string name = to_load_.front();
  to_load_.erase(to_load_.begin());
  say(message::Loading{.script = name});
  const int64_t takes_us = world_.happens(world_.mix.zygote_faults)
                               ? 1'000'000'000
                               : world_.random.delay_us(3000, 30'000);
  later(takes_us, [this, name] {
    if (world_.happens(world_.mix.zygote_faults))
      return kernel_.end(*this, SIGSEGV);
    if (name.starts_with("bad")) {
      Buffer error;
      write_error(error, Error(ErrorCode::compile_error, "it does not compile"));
      say(message::LoadFailed{.script = name, .error = error.view()});
      return exit(0);
    }
    scripts_.insert(name);
    kept_.erase(name);
    const int64_t largest_mb = world_.mix.layers_mb;
    layer_bytes_[name] = largest_mb > 0 ? world_.random.between(1, largest_mb) << 20 : 0;
    if (kept_bytes() + layer_bytes_[name] <= most_layer_bytes)
      kept_.insert(name);
    load_next();
  });
}

int64_t SimulatedZygote::kept_bytes() const {
  int64_t bytes = 0;
  for (const std::string &name : kept_)
    bytes += layer_bytes_.at(name);
  return bytes;
}

void SimulatedZygote::say_ready() {
  say(message::Confinement{.layers = {"seccomp"}});
  message::Ready ready{
      .generation = generation_, .v8_version = "simulated", .image_bytes = int64_t{1} << 20};
  for (const std::string &name : scripts_)
    ready.scripts.push_back({.name = name,
                             .functions = {"f"},
                             .layer_bytes = layer_bytes_[name],
                             .is_cold = !kept_.contains(name)});
  ready.layer_bytes = kept_bytes();
  is_ready_ = true;
  say(ready);
  serve();
}

void SimulatedZygote::hear() {
  if (!lives())
    return;
  const Channel::Status received = control_->receive();
  if (received == Channel::Status::closed)
    return later(world_.random.delay_us(200, 5000), [this] { exit(0); });
  if (received == Channel::Status::ok)
    prick(); // there may be more
  if (is_ready_)
    serve();
}

void SimulatedZygote::serve() {
  Frame frame;
  while (lives() && !hangs_ && !is_busy_ &&
         control_->next(frame, PeerState::ready) == Channel::Status::ok) {
    if (world_.happens(world_.mix.zygote_faults * 2)) {
      switch (world_.random.between(0, 2)) {
      case 0:
        return kernel_.end(*this, SIGSEGV);
      case 1:
        hangs_ = true;
        return;
      default:
        control_->add(MessageType::exited, 0, "\x01"); // not of this shape
        control_->flush();
      }
    }
    frame.type == MessageType::fork ? fork_worker(frame) : grow(frame);
    if (world_.happens(world_.mix.slow_forks)) {
      is_busy_ = true;
      later(world_.random.between(100'000, 4'000'000), [this] {
        is_busy_ = false;
        serve();
      });
    }
  }
}

void SimulatedZygote::fork_worker(const Frame &frame) {
  const auto asked = frame.read<message::Fork>();
  if (!asked)
    return world_.books.violated("the master keeps to the protocol", asked.error().message);
  const FileDescriptor page = make_page();
  SocketPair pair = std::move(*make_socket_pair());
  auto &worker = kernel_.create<SimulatedWorker>(*this, std::move(pair.ends[1]), page);
  world_.timeline.note("forks", worker.pid(), asked->id);
  const FileDescriptor pidfd = worker.open_pidfd();
  const int descriptors[] = {pidfd.get(), pair.ends[0].get(), page.get()};
  control_->send(frame.sequence, message::WorkerForked{.id = asked->id, .pid = worker.pid()},
                 descriptors);
}

void SimulatedZygote::grow(const Frame &frame) {
  FileDescriptor childs_end = control_->take_descriptor();
  const auto asked = frame.read<message::Grow>();
  if (!asked)
    return world_.books.violated("the master keeps to the protocol", asked.error().message);
  if (asked->alone && kernel_.any_runs_over(family_, pid()))
    world_.books.violated("a zygote is alone when no older worker runs anything",
                          std::to_string(asked->generation));
  auto &child = kernel_.create<SimulatedZygote>(*this, std::move(childs_end), *asked);
  world_.timeline.note("grows", child.pid());
  const FileDescriptor pidfd = child.open_pidfd();
  const int descriptors[] = {pidfd.get()};
  control_->send(frame.sequence,
                 message::ZygoteForked{.generation = asked->generation, .pid = child.pid()},
                 descriptors);
}

void SimulatedZygote::gets_signal(int number) {
  if (number == SIGKILL)
    kernel_.end(*this, number);
}

// As a zombie of its own child, which may be before the master has seen the socket's end.
void SimulatedZygote::child_ended(SimulatedProcess &child) {
  later(world_.random.delay_us(100, 3000), [this, &child] {
    kernel_.reap(child);
    say(message::Exited{.pid = child.pid(),
                        .wait_status = child.wait_status(),
                        .cpu_us = 1000,
                        .max_rss_kb = 10'000});
  });
}

} // namespace lethe::simulation
