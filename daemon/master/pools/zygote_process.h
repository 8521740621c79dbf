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
  std::string v8_version;
  int64_t image_bytes = 0;
};

class ZygoteOwner {
public:
  virtual void zygote_ready(ZygoteProcess &zygote, ZygoteReport report) = 0;
  virtual void zygote_loading(ZygoteProcess &zygote, std::string_view script) = 0;
  virtual void zygote_load_failed(ZygoteProcess &zygote, std::string_view script,
                                  std::string_view error_map) = 0;
  // False: nobody asked for it.
  virtual bool zygote_forked_worker(ZygoteProcess &zygote, uint32_t id, ChildProcess process,
                                    FileDescriptor socket, FileDescriptor page) = 0;
  virtual void zygote_forked_zygote(ZygoteProcess &zygote, uint32_t generation,
                                    ChildProcess process) = 0;
  virtual void zygote_child_exited(ZygoteProcess &zygote, pid_t pid, int wait_status) = 0;
  // The zygote's channel is closed or broken.
  virtual void zygote_hung_up(ZygoteProcess &zygote) = 0;

protected:
  ~ZygoteOwner() = default;
};

// When this object goes, its process is killed. Its owner changes when it is ready.
class ZygoteProcess final : Flushable {
public:
  ZygoteProcess(Environment &environment, ZygoteOwner &owner, FileDescriptor socket,
                uint32_t generation);
  ~ZygoteProcess();

  uint32_t generation() const { return generation_; }
  bool alive() const { return !hung_up_; }
  void set_owner(ZygoteOwner &owner) { owner_ = &owner; }
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
  void handle(const Frame &frame);
  template <typename Message> void hear(const Frame &frame);
  void on(const message::WorkerForked &forked);
  void on(const message::ZygoteForked &forked);
  void on(const message::Exited &exited);
  void on(const message::Loading &loading);
  void on(const message::Ready &ready);
  void on(const message::LoadFailed &failed);
  void hang_up();

  Environment &environment_;
  ZygoteOwner *owner_;
  uint32_t generation_;
  ChildProcess process_;
  Channel channel_;
  std::vector<Growth> growths_; // not sent yet
  PeerState state_ = PeerState::loading;
  bool hung_up_ = false;
  std::string flaw_; // how it broke the protocol; empty: it has not
  Watch readable_, writable_;
};

} // namespace lethe
