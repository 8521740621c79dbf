// SPDX-License-Identifier: Apache-2.0
// The control channel.
#include "daemon/master/pools/zygote_process.h"
#include "daemon/master/operation/log.h"
#include "ipc/message_pack.h"
#include "ipc/packer.h"

#include <csignal>
#include <fcntl.h>

namespace lethe {
namespace {

constexpr int most_last_reads = 64; // of one that has ended, in case that somebody else goes on

// A map from names to raw values.
bool read_raw_map(Reader &reader, std::map<std::string, std::string> &out) {
  const auto pairs = reader.map();
  for (uint32_t i = 0; pairs && i < *pairs; ++i) {
    const auto name = reader.string();
    const auto value = reader.take_raw();
    if (!name || !value)
      return false;
    out[std::string(*name)] = *value;
  }
  return pairs.has_value();
}

} // namespace

ZygoteProcess::ZygoteProcess(Environment &environment, ZygoteOwner &owner, FileDescriptor socket,
                             uint32_t generation)
    : Flushable(environment.loop), environment_(environment), owner_(&owner),
      generation_(generation), channel_(std::move(socket), Party::zygote,
                                        Channel::Carries::descriptors, environment.frame_bytes()),
      readable_(environment.loop, channel_.descriptor(), EV_READ, [this] { readable(); }),
      writable_(environment.loop, channel_.descriptor(), EV_WRITE, [this] { flush(); }) {
  fcntl(channel_.descriptor(), F_SETFL, O_NONBLOCK);
  readable_.enable();
}

ZygoteProcess::~ZygoteProcess() = default;

void ZygoteProcess::set_process(ChildProcess process) {
  process_ = std::move(process);
  if (hung_up_)
    kill();
}

void ZygoteProcess::kill() { process_.kill(); }

void ZygoteProcess::process_ended() {
  if (!process_.has_ended())
    return;
  for (int reads = 0; reads < most_last_reads && !hung_up_ && readable(); ++reads) {
  }
  if (!hung_up_)
    hang_up(false);
}

void ZygoteProcess::fork_worker(uint32_t id, bool debugs) {
  Packer packer(channel_.begin(MessageType::fork, id));
  packer.pack_array(2).pack_uint32(id);
  pack_boolean(packer, debugs);
  channel_.end();
  flush_later();
}

void ZygoteProcess::grow(uint32_t generation, bool strict, bool part, std::string_view scripts,
                         std::string_view drop, FileDescriptor childs_end) {
  Growth growth;
  growth.childs_end = std::move(childs_end);
  Packer packer(growth.body);
  packer.pack_array(5).pack_uint32(generation);
  pack_boolean(packer, strict);
  pack_boolean(packer, part);
  growth.body.append(scripts);
  growth.body.append(drop);
  growths_.push_back(std::move(growth));
  flush_later();
}

void ZygoteProcess::flush() {
  if (hung_up_)
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
  if (hung_up_)
    return false;
  const Channel::Status received = channel_.receive();
  if (received == Channel::Status::closed) {
    hang_up(false);
    return false;
  }
  Frame frame;
  Channel::Status status = Channel::Status::again;
  while (!hung_up_ && !broken_ && (status = channel_.next(frame)) == Channel::Status::ok)
    handle(frame);
  if (status == Channel::Status::broken || broken_)
    hang_up(true);
  return received == Channel::Status::ok;
}

void ZygoteProcess::handle(const Frame &frame) {
  bool understood = false;
  switch (frame.type) {
  case MessageType::forked:
    understood = on_forked(frame.body, frame.descriptors);
    break;
  case MessageType::exited:
    understood = on_exited(frame.body);
    break;
  case MessageType::loading: {
    Reader reader(frame.body);
    const auto parts = reader.array();
    const auto script = reader.string();
    understood = parts && script;
    if (understood)
      owner_->zygote_loading(*this, *script);
    break;
  }
  case MessageType::ready:
    understood = on_ready(frame.body);
    break;
  case MessageType::load_failed:
    understood = on_load_failed(frame.body);
    break;
  default: // Channel lets nothing else of a zygote through
    break;
  }
  broken_ |= !understood;
}

bool ZygoteProcess::on_forked(std::string_view body, uint16_t descriptors) {
  Reader reader(body);
  const auto parts = reader.array();
  const auto kind = reader.integer(), id = reader.integer(), pid = reader.integer();
  // A worker comes with its pidfd, channel and page, a zygote with its pidfd.
  if (!parts || !kind || !id || !pid || *id < 0 || *id > UINT32_MAX ||
      descriptors != (*kind == 0 ? 3 : 1))
    return false;
  ChildProcess process(environment_.processes, static_cast<pid_t>(*pid),
                       channel_.take_descriptor());
  const auto number = static_cast<uint32_t>(*id);
  if (*kind == 0) {
    FileDescriptor socket = channel_.take_descriptor(), page = channel_.take_descriptor();
    return owner_->zygote_forked_worker(*this, number, std::move(process), std::move(socket),
                                        std::move(page));
  }
  owner_->zygote_forked_zygote(*this, number, std::move(process));
  return true;
}

bool ZygoteProcess::on_exited(std::string_view body) {
  Reader reader(body);
  const auto parts = reader.array();
  const auto pid = reader.integer(), status = reader.integer();
  if (!parts || !pid || !status)
    return false;
  owner_->zygote_child_exited(*this, static_cast<pid_t>(*pid), static_cast<int>(*status));
  return true;
}

bool ZygoteProcess::on_ready(std::string_view body) {
  ZygoteReport report;
  Reader reader(body);
  const auto parts = reader.array();
  if (!parts || !reader.integer() || !read_raw_map(reader, report.functions) ||
      !read_raw_map(reader, report.failures))
    return false;
  const auto version = reader.string();
  const auto image_bytes = reader.integer();
  if (!version || !image_bytes)
    return false;
  report.v8_version = *version;
  report.image_bytes = *image_bytes;
  owner_->zygote_ready(*this, std::move(report));
  return true;
}

bool ZygoteProcess::on_load_failed(std::string_view body) {
  Reader reader(body);
  const auto parts = reader.array();
  const auto script = reader.string();
  const auto error_map = reader.take_raw();
  if (!parts || !script || !error_map)
    return false;
  owner_->zygote_load_failed(*this, *script, *error_map);
  return true;
}

void ZygoteProcess::hang_up(bool broken) {
  hung_up_ = true;
  readable_.disable();
  writable_.disable();
  if (broken) {
    ++environment_.counters.protocol_breaks;
    log_error("zygote {} (pid {}) broke the protocol; it is killed", generation_, pid());
  }
  kill(); // one that ends by itself keeps the status that it ends with
  owner_->zygote_hung_up(*this);
}

} // namespace lethe
