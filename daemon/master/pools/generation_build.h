// SPDX-License-Identifier: Apache-2.0
// Makes the next generation of a pool: from the present one, or from a newly executed zygote.
#pragma once

#include "daemon/master/pools/snapshot_build.h"
#include "daemon/master/pools/zygote_process.h"
#include "daemon/master/scripts/script.h"

#include <set>

namespace lethe {

struct GenerationPlan {
  std::string pool;
  const PoolSettings *settings = nullptr;
  ControlGroup *group = nullptr; // the pool's; given up if a zygote can't be moved into it
  // To be forked. nullptr: the program is executed, with a snapshot built if needed.
  ZygoteProcess *parent = nullptr;
  std::vector<ScriptPointer> load;
  // By script: calls of requests, with which it is warmed up.
  std::map<std::string, std::vector<message::Kept<message::WarmUpCall>>, std::less<>> learned;
  std::vector<std::string> drop;
  std::vector<std::string> unload; // scripts whose layers are given up
  bool parent_is_alone = false;    // no process of a generation before it is left
  std::set<std::string, std::less<>>
      cold;           // of these, they need not be loaded before they are called
  bool strict = true; // the first script that fails ends the build; else it is left out and named
  uint32_t *last_generation = nullptr; // the numbers given so far
  size_t most_loads = 0;               // all scripts that there are then
};

struct BuiltGeneration {
  std::unique_ptr<ZygoteProcess> zygote;
  std::map<std::string, std::string> functions; // by script: MessagePack array of names
  std::map<std::string, message::Kept<message::WarmedUp>> warmed_up;
  std::map<std::string, ZygoteReport::Layer> layers;
  std::vector<std::string> unloaded;
  int64_t layer_bytes = 0, layer_garbage_bytes = 0;
  std::map<std::string, Error> failures; // not strict: scripts that were left out
  std::string v8_version, tzdata;
  bool can_rewind = false; // there is an image of its memory
  bool is_grown = false;   // a fork of the plan's parent
};

// Calls back once. Nothing of the present generation changes meanwhile. Ended, with what it began,
// when this object goes.
//
//   beginning ─┬─► executing ◄──► building_snapshot    ► the candidate exits for want of a snapshot,
//              │       │                               ◄ there is one: execute, once more
//              │       ▼ the candidate is ready, and there are scripts to load
//              └─► growing ─┐ the candidate loads a message's worth of scripts, and is ready;
//                    ▲      │ more of them: it becomes the parent of the next candidate
//                    └──────┘ or it dies or takes too long while it loads a script, and the build
//                             is not strict: in the end without that script
//   each ─► over              the generation is there, or it failed, or nobody wants it any more
class GenerationBuild final : public ZygoteOwner, public CandidateOwner {
public:
  enum class State : uint8_t { beginning, executing, building_snapshot, growing, over };
  static constexpr StateRow states[] = {
      {"beginning", to(State::executing, State::growing, State::over)},
      {"executing", to(State::building_snapshot, State::growing, State::over)},
      {"building the snapshot", to(State::executing, State::over)},
      {"growing", to(State::growing, State::over)},
      {"over", 0}};

  using Done = std::function<void(Result<BuiltGeneration>)>;
  GenerationBuild(Environment &environment, ChildReaper &reaper, GenerationPlan plan, Done done);
  ~GenerationBuild();

  std::string who() const;
  void check_state() const;

  // Calls back no more: it is about to go, but until the round's end it may be told something.
  void cancel();

  // What the parent, which belongs to somebody else, says about its children.
  void parent_forked(uint32_t generation, ChildProcess process);
  void parents_child_exited(pid_t pid, int wait_status);

private:
  void execute();
  void move_into_group(pid_t zygote);
  void executed_zygote_ended(int wait_status);
  void build_snapshot();
  void grow();
  void use_if_complete();
  void load_deadline_passed();
  void candidate_died(const std::string &how);
  void leave_out_culprit(Error error);
  void fail(Error error);
  void finish(Result<BuiltGeneration> result);

  void zygote_ready(ZygoteProcess &zygote, ZygoteReport report) override;
  void zygote_loading(ZygoteProcess &zygote, std::string_view script) override;
  void zygote_load_failed(ZygoteProcess &zygote, std::string_view script,
                          std::string_view error_map) override;
  void zygote_forked_zygote(ZygoteProcess &zygote, uint32_t generation,
                            ChildProcess process) override;
  void zygote_child_exited(ZygoteProcess &zygote, pid_t pid, int wait_status) override;
  void zygote_hung_up(ZygoteProcess &zygote) override;

  Environment &environment_;
  ChildReaper &reaper_;
  GenerationPlan plan_;
  Done done_;
  StateMachine<GenerationBuild, State> state_;
  BuiltGeneration built_;
  std::unique_ptr<ZygoteProcess> own_parent_; // executed, or loaded with a part of the scripts
  std::unique_ptr<ZygoteProcess> candidate_;
  pid_t executed_pid_ = -1;
  bool snapshot_was_built_ = false;
  std::vector<ScriptPointer> batch_; // what the candidate was sent
  // What the parent was sent: in the end all are loaded at once, as they may import each other.
  std::vector<ScriptPointer> waiting_;
  std::string culprit_;               // the script that it is loading
  size_t loads_ = 0;                  // that it has told of
  std::map<std::string, int> deaths_; // while it was being loaded; others than it may kill, too
  std::optional<int> candidate_status_;
  std::optional<ZygoteReport> report_; // of the candidate, until its process is known
  std::unique_ptr<SnapshotBuild> snapshot_;
  Timer deadline_, verdict_, begin_;
};

} // namespace lethe
