// SPDX-License-Identifier: Apache-2.0
// The control channel.
#include "daemon/master/pools/zygote_process.h"
#include "daemon/master/operation/log.h"
#include "ipc/message_pack.h"
#include "ipc/packer.h"

#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <unistd.h>

namespace lethe {
namespace {

constexpr int64_t most_layer_bytes = int64_t{1} << 40; // more is a lie, and no sum may overflow
constexpr int most_last_reads = 64; // of one that has ended, in case that somebody else goes on

} // namespace

ZygoteProcess::ZygoteProcess(Environment &environment, ZygoteOwner &owner,
                             CandidateOwner &candidates, FileDescriptor socket, std::string pool,
                             uint32_t generation)
    : Flushable(environment.loop), environment_(environment), owner_(&owner),
      candidates_(&candidates), pool_(std::move(pool)), generation_(generation),
      state_(*this, environment.moves, State::loading),
      channel_(std::move(socket), Party::zygote, Channel::Carries::descriptors,
               environment.frame_bytes()),
      readable_(environment.loop, channel_.descriptor(), EV_READ, [this] { readable(); }),
      writable_(environment.loop, channel_.descriptor(), EV_WRITE, [this] { flush(); }) {
  fcntl(channel_.descriptor(), F_SETFL, O_NONBLOCK);
  readable_.enable();
}

ZygoteProcess::~ZygoteProcess() = default;

std::string ZygoteProcess::who() const {
  return fmt::format("zygote {} of pool {}", generation_, pool_);
}

void ZygoteProcess::check_state() const {
  invariant(alive() || !readable_.enabled(), "a zygote that hung up is not listened to",
            {"generation", generation_});
}

void ZygoteProcess::set_owner(ZygoteOwner &owner) {
  invariant(!state_.is(State::loading, State::failed), "a zygote that loads is a candidate",
            {"generation", generation_});
  owner_ = &owner;
  candidates_ = nullptr;
}

void ZygoteProcess::set_process(ChildProcess process) {
  process_ = std::move(process);
  if (!alive())
    kill();
}

void ZygoteProcess::kill() { process_.kill(); }

void ZygoteProcess::process_ended() {
  if (!process_.has_ended())
    return;
  for (int reads = 0; reads < most_last_reads && alive() && readable(); ++reads) {
  }
  if (alive())
    hang_up("its end was seen");
}

void ZygoteProcess::fork_worker(uint32_t id, bool debugs) {
  channel_.add(id, message::Fork{id, debugs});
  flush_later();
}

void ZygoteProcess::grow(const message::Grow &grow, FileDescriptor childs_end) {
  Growth growth;
  growth.childs_end = std::move(childs_end);
  write_message(growth.body, grow);
  growths_.push_back(std::move(growth));
  flush_later();
}

void ZygoteProcess::flush() {
  if (!alive())
    return;
  Channel::Status status = channel_.flush();
  while (status == Channel::Status::ok && !growths_.empty()) {
    // The output is empty now. A frame with descriptors goes by itself, as the kernel hands them
    // over with its first byte.
    const Growth &growth = growths_.front();
    const int descriptor = growth.childs_end.get();
    status =
        channel_.send_with_descriptors(MessageType::grow, 0, growth.body.view(), {&descriptor, 1});
    if (status != Channel::Status::again || channel_.output_bytes() > 0) // it is on its way
      growths_.erase(growths_.begin());
  }
  // One that does not hear any more is of no use, even if it still speaks. Its end of file follows.
  if (status == Channel::Status::closed)
    kill();
  if (status == Channel::Status::again)
    writable_.enable();
  else
    writable_.disable();
}

// Was there something?
bool ZygoteProcess::readable() {
  if (!alive())
    return false;
  const Channel::Status received = channel_.receive();
  if (received == Channel::Status::closed) {
    hang_up({});
    return false;
  }
  Frame frame;
  Channel::Status status = Channel::Status::again;
  while (alive() && (status = channel_.next(frame, peer_state())) == Channel::Status::ok)
    if (const auto heard = handle(frame); !heard)
      break_off(heard.error().message);
  if (status == Channel::Status::broken)
    break_off(channel_.flaw());
  return received == Channel::Status::ok;
}

PeerState ZygoteProcess::peer_state() const {
  return state_.is(State::loading) ? PeerState::loading
         : state_.is(State::ready) ? PeerState::ready
                                   : PeerState::gone;
}

Result<Nothing> ZygoteProcess::handle(const Frame &frame) {
  switch (frame.type) {
  case MessageType::worker_forked:
    return hear<message::WorkerForked>(frame);
  case MessageType::zygote_forked:
    return hear<message::ZygoteForked>(frame);
  case MessageType::exited:
    return hear<message::Exited>(frame);
  case MessageType::loading:
    return hear<message::Loading>(frame);
  case MessageType::confinement:
    return hear<message::Confinement>(frame);
  case MessageType::ready:
    return hear<message::Ready>(frame);
  case MessageType::load_failed:
    return hear<message::LoadFailed>(frame);
  default: // Channel lets nothing else of a zygote through
    return Nothing{};
  }
}

template <typename Message> Result<Nothing> ZygoteProcess::hear(const Frame &frame) {
  Skimmer depth(environment_.frame_depth());
  const auto message = frame.read<Message>(&depth);
  if (!message)
    return message.error();
  return on(*message);
}

// A zygote evaluates strangers' scripts: what it calls its child may be any process, which would be
// given requests, and killed one day. The master's own children are of dead zygotes.
Result<Nothing> ZygoteProcess::check_child(const FileDescriptor &pidfd, pid_t pid) const {
  const pid_t parent = environment_.processes.kernel().parent_of(pidfd, pid);
  const bool is_its_child =
      parent == 0 || parent == process_.pid() ||
      (parent == getpid() && process_.has_ended() && !environment_.processes.has(pid));
  if (is_its_child)
    return Nothing{};
  return Error(ErrorCode::internal,
               fmt::format("process {} is no child of it, as far as /proc tells", pid));
}

Result<Nothing> ZygoteProcess::on(const message::WorkerForked &forked) {
  FileDescriptor pidfd = channel_.take_descriptor();
  if (auto checked = check_child(pidfd, forked.pid); !checked)
    return checked;
  ++children_;
  ChildProcess process(environment_.processes, forked.pid, std::move(pidfd));
  FileDescriptor socket = channel_.take_descriptor(), page = channel_.take_descriptor();
  if (!owner_->zygote_forked_worker(*this, forked.id, std::move(process), std::move(socket),
                                    std::move(page)))
    return Error(ErrorCode::internal, "worker_forked: nobody asked for that worker");
  return Nothing{};
}

Result<Nothing> ZygoteProcess::on(const message::ZygoteForked &forked) {
  FileDescriptor pidfd = channel_.take_descriptor();
  if (auto checked = check_child(pidfd, forked.pid); !checked)
    return checked;
  ++children_;
  owner_->zygote_forked_zygote(*this, forked.generation,
                               ChildProcess(environment_.processes, forked.pid, std::move(pidfd)));
  return Nothing{};
}

Result<Nothing> ZygoteProcess::on(const message::Exited &exited) {
  if (children_ == 0)
    return Error(ErrorCode::internal, "exited: there are more ends than children");
  --children_;
  owner_->zygote_child_exited(*this, exited.pid, exited.wait_status);
  return Nothing{};
}

Result<Nothing> ZygoteProcess::on(const message::Loading &loading) {
  candidates_->zygote_loading(*this, loading.script);
  return Nothing{};
}

Result<Nothing> ZygoteProcess::on(const message::Confinement &confinement) {
  confinement_.assign(confinement.layers.begin(), confinement.layers.end());
  missing_layers_.assign(confinement.missing.begin(), confinement.missing.end());
  return Nothing{};
}

Result<Nothing> ZygoteProcess::on(const message::Ready &ready) {
  state_.move_to(State::ready);
  ZygoteReport report;
  report.failures.insert(ready.failures.begin(), ready.failures.end());
  report.v8_version = ready.v8_version;
  report.tzdata = ready.tzdata;
  report.image_bytes = ready.image_bytes;
  report.layer_bytes = std::min(ready.layer_bytes, most_layer_bytes);
  report.layer_garbage_bytes = ready.layer_garbage_bytes;
  for (const message::LoadedScript &script : ready.scripts) {
    Buffer names;
    Packer packer(names);
    packer.pack_array(static_cast<uint32_t>(script.functions.size()));
    for (const std::string_view name : script.functions)
      pack_string(packer, name);
    report.functions[std::string(script.name)] = names.view();
    if (script.warmed_up)
      report.warmed_up.emplace(script.name, *script.warmed_up);
    if (script.layer_bytes > 0)
      report.layers[std::string(script.name)] = {std::min(script.layer_bytes, most_layer_bytes),
                                                 script.is_cold};
  }
  candidates_->zygote_ready(*this, std::move(report));
  return Nothing{};
}

Result<Nothing> ZygoteProcess::on(const message::LoadFailed &failed) {
  state_.move_to(State::failed);
  candidates_->zygote_load_failed(*this, failed.script, failed.error);
  return Nothing{};
}

void ZygoteProcess::break_off(std::string_view flaw) {
  if (!alive())
    return;
  ++environment_.counters.protocol_breaks;
  log_error("zygote {} (pid {}) broke the protocol: {}; it is killed", generation_, pid(), flaw);
  hang_up("it broke the protocol");
}

void ZygoteProcess::hang_up(std::string_view why) {
  readable_.disable();
  writable_.disable();
  state_.move_to(State::hung_up, why);
  kill(); // one that ends by itself keeps the status that it ends with
  owner_->zygote_hung_up(*this);
}

} // namespace lethe
