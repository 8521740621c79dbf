// SPDX-License-Identifier: Apache-2.0
// The master's view of one zygote: its process and its control channel.
#pragma once

#include "daemon/master/dispatch/environment.h"
#include "daemon/master/loop/process.h"
#include "ipc/channel.h"

#include <map>
#include <string>

namespace lethe {

class ZygoteProcess;

// A zygote's first word.
struct ZygoteReport {
  std::map<std::string, std::string> functions; // by script: MessagePack array of names
  std::map<std::string, std::string> failures;  // by script: MessagePack error map
  std::map<std::string, message::Kept<message::WarmedUp>> warmed_up;
  struct Layer {
    int64_t bytes = 0;
    bool is_cold = false; // it is not kept
  };
  std::map<std::string, Layer> layers; // by script
  std::string v8_version, tzdata;
  int64_t image_bytes = 0, layer_bytes = 0, layer_garbage_bytes = 0;
};

// What is heard of a zygote's children, and of its own end.
class ZygoteOwner {
public:
  // False: nobody asked for it.
  virtual bool zygote_forked_worker(ZygoteProcess &, uint32_t /* id */, ChildProcess,
                                    FileDescriptor /* socket */, FileDescriptor /* page */) {
    return false;
  }
  virtual void zygote_forked_zygote(ZygoteProcess &zygote, uint32_t generation,
                                    ChildProcess process) = 0;
  virtual void zygote_child_exited(ZygoteProcess &zygote, pid_t pid, int wait_status) = 0;
  // The zygote's channel is closed or broken.
  virtual void zygote_hung_up(ZygoteProcess &zygote) = 0;

protected:
  ~ZygoteOwner() = default;
};

// What a zygote says that does not fork yet: a candidate for the next generation.
class CandidateOwner {
public:
  virtual void zygote_loading(ZygoteProcess &zygote, std::string_view script) = 0;
  virtual void zygote_ready(ZygoteProcess &zygote, ZygoteReport report) = 0;
  virtual void zygote_load_failed(ZygoteProcess &zygote, std::string_view script,
                                  std::string_view error_map) = 0;

protected:
  ~CandidateOwner() = default;
};

//   loading ─┬─► ready ────┐       forks, and is forked
//            ├─► failed ───┤       a script could not be loaded: it says no more
//            └─────────────┴─► hung_up     killed, if it has not ended
//
// When this object goes, its process is killed. Its owner changes when it is ready.
class ZygoteProcess final : Flushable {
public:
  enum class State : uint8_t { loading, ready, failed, hung_up };
  static constexpr StateRow states[] = {
      {"loading", to(State::ready, State::failed, State::hung_up)},
      {"ready", to(State::hung_up)},
      {"failed", to(State::hung_up)},
      {"hung up", 0}};

  ZygoteProcess(Environment &environment, ZygoteOwner &owner, CandidateOwner &candidates,
                FileDescriptor socket, std::string pool, uint32_t generation);
  ~ZygoteProcess();

  std::string who() const;
  void check_state() const;
  uint32_t generation() const { return generation_; }
  bool alive() const { return !state_.is(State::hung_up); }
  // The layers of its and its workers' sandbox, by its own account; empty: it is switched off.
  const std::vector<std::string> &confinement() const { return confinement_; }
  const std::vector<std::string> &missing_layers() const { return missing_layers_; }
  void set_owner(ZygoteOwner &owner); // of one that is ready
  void set_process(ChildProcess process);
  pid_t pid() const { return process_.pid(); } // -1: not known yet
  void kill();
  // Somebody saw its end: no more comes than what it said before, whoever holds its channel open.
  void process_ended();

  void fork_worker(uint32_t id, bool debugs);
  // Asks for a child zygote. The child's end of its control channel is closed here once it is sent.
  void grow(const message::Grow &grow, FileDescriptor childs_end);

private:
  struct Growth {
    Buffer body;
    FileDescriptor childs_end;
  };

  bool readable();
  void flush() override;
  PeerState peer_state() const;
  // Their errors: how it broke the protocol.
  Result<Nothing> handle(const Frame &frame);
  Result<Nothing> check_child(const FileDescriptor &pidfd, pid_t pid) const;
  template <typename Message> Result<Nothing> hear(const Frame &frame);
  Result<Nothing> on(const message::WorkerForked &forked);
  Result<Nothing> on(const message::ZygoteForked &forked);
  Result<Nothing> on(const message::Exited &exited);
  Result<Nothing> on(const message::Loading &loading);
  Result<Nothing> on(const message::Confinement &confinement);
  Result<Nothing> on(const message::Ready &ready);
  Result<Nothing> on(const message::LoadFailed &failed);
  void break_off(std::string_view flaw);
  void hang_up(std::string_view why);

  Environment &environment_;
  ZygoteOwner *owner_;
  CandidateOwner *candidates_; // nullptr: it is none any more
  size_t children_ = 0;        // that it told of, and whose ends it has not told
  std::string pool_;           // its name
  uint32_t generation_;
  StateMachine<ZygoteProcess, State> state_;
  ChildProcess process_;
  Channel channel_;
  std::vector<Growth> growths_; // not sent yet
  std::vector<std::string> confinement_, missing_layers_;
  Watch readable_, writable_;
};

} // namespace lethe
