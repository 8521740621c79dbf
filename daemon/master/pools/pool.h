// SPDX-License-Identifier: Apache-2.0
// One pool: keeps its workers at strength, and changes its generation when scripts or settings do.
#pragma once

#include "daemon/master/dispatch/dispatcher.h"
#include "daemon/master/loop/brake.h"
#include "daemon/master/pools/call_samples.h"
#include "daemon/master/pools/generation_build.h"
#include "daemon/master/scripts/script_store.h"

#include <deque>
#include <map>
#include <set>
#include <unordered_map>

namespace lethe {

class PoolOwner {
public:
  // The pool has its first worker, or the last of its requests has ended: who waits for the start,
  // for a drain or for the stop is to look again.
  virtual void pool_changed() = 0;

protected:
  ~PoolOwner() = default;
};

// A script as the pool has it.
struct RegisteredScript {
  ScriptPointer script;
  std::string functions;        // MessagePack array of names; empty if it is not resident
  std::optional<Error> failure; // why it is not
  bool is_cold = false;         // it is loaded when it is called
  int64_t cold_until_us = 0;    // at least
  int64_t layer_bytes = 0;      // when it was loaded last; 0: it is part of the image
  std::optional<message::Kept<message::WarmedUp>> warmed_up{}; // nothing: it has no such calls
  RunHistoryPointer history = RunHistory::of_script(script->name, script->version);
  CallSamples samples{}; // none, unless the pool learns
};

// Changes of generation come one after the other. Whoever makes one holds the pool's turn: with the
// last copy of that the change is over, however it ended, and the next begins.
//
//   settled ◄──► building ─┬─► storing ────┐     ► a change has its turn, ◄ it failed, or needs no
//      ▲                   └─► prepared ───┤       store and no other pool
//      └───────────────────────────────────┘
//
//   put_now, remove_now    build by a fork of the zygote ─► store ─► adopt
//   prepare_now            build with new settings ─► wait for the other pools ─► commit: adopt,
//                          or abandon
//   load_wanted            build by a fork, with cold scripts that were called ─► adopt
//   renew                  build by executing the program ─► adopt; when it was grown too often, a
//                          worker had a fault, or of age
//   learn                  build by a fork, with calls of requests ─► adopt; any other change ends it
//   start, recover         the same, while there is no zygote: nothing else can begin then
//
// Until adopt() the present generation serves as if nothing were happening; a build that fails is
// dropped. The workers of a generation that was replaced finish what they run.
class Pool final : public DispatcherOwner, public ZygoteOwner {
public:
  enum class State : uint8_t { settled, building, storing, prepared };
  static constexpr StateRow states[] = {
      {"settled", to(State::building)},
      {"building", to(State::storing, State::prepared, State::settled)},
      {"storing", to(State::settled)},
      {"prepared", to(State::settled)}};

  using Done = std::function<void(Result<Nothing>)>;
  struct PutScript {
    std::string name;
    int64_t version;
    std::optional<message::Kept<message::WarmedUp>> warmed_up;
  };
  struct Put {
    uint32_t generation;
    std::vector<PutScript> scripts; // as they were given
  };
  using PutDone = std::function<void(Result<Put>)>;
  using DeleteDone = std::function<void(Result<bool>)>; // was there one?

  Pool(Environment &environment, PoolOwner &owner, ChildReaper &reaper, ScriptStore &store,
       size_t index, std::string name, const PoolSettings &settings);
  ~Pool();

  // Makes the first generation, with these scripts; those that fail are kept and not resident.
  void start(std::vector<ScriptPointer> scripts, Done done);
  using NewScripts = std::vector<std::shared_ptr<Script>>; // with different names
  static size_t bytes_of(const NewScripts &scripts);       // sources and options
  // The next generation has all of the scripts, which are then on disk, too, or none. Refused
  // (`overloaded`) where too many changes wait.
  void put(NewScripts scripts, PutDone done);
  void remove(std::string name, DeleteDone done);
  // A reload in two steps: makes a generation with new settings; puts it in force, or drops it.
  void prepare(const PoolSettings &settings, Done done);
  void commit();
  void abandon();
  void stop(); // kills every process of the pool

  bool ready() const { return zygote_ && (dispatcher_.idle() > 0 || dispatcher_.running() > 0); }
  Dispatcher &dispatcher() { return dispatcher_; }
  const Dispatcher &dispatcher() const { return dispatcher_; }
  const std::string &name() const { return name_; }
  std::string who() const { return "pool " + name_; }
  void check_state() const;
  const PoolSettings &settings() const { return settings_; }
  using Scripts = std::map<std::string, RegisteredScript, std::less<>>;
  const Scripts &scripts() const { return scripts_; }
  // A process has ended: a child of the master that it adopted, or a zygote's of this generation.
  void child_ended(pid_t pid, int wait_status, std::optional<uint32_t> generation = std::nullopt);
  // Once a second: ends what should have ended, replaces what grew too large.
  void sweep();

  // `to_admin`: with each worker.
  void write_stats(Buffer &out, bool to_admin) const;
  // A cold one was called: the next ones are to find it loaded.
  void note_cold_call(const std::string &script);
  size_t waiting_script_bytes() const { return waiting_script_bytes_; } // of changes that wait
  uint32_t generation() const { return zygote_ ? zygote_->generation() : 0; }
  const std::string &v8_version() const { return v8_version_; }
  // Of its time zones; empty: they are ICU's own.
  const std::string &tzdata() const { return tzdata_; }

private:
  using Turn = std::shared_ptr<const void>;
  // A change of generation that waits for its turn: calling it begins it.
  using Change = std::function<void(Turn)>;

  Turn take_turn();
  std::optional<Error> check_room_for_change() const;
  void begin_next_change();
  void build(GenerationPlan plan, GenerationBuild::Done done);
  void give_up_build(const Error &why);
  void put_now(const NewScripts &scripts, const PutDone &done, const Turn &turn);
  void remove_now(const std::string &name, const DeleteDone &done, const Turn &turn);
  void prepare_now(const Done &done, Turn turn);
  void adopt(BuiltGeneration built);
  void make_group();
  void limit_group() const;
  void tell_memory_kills();
  void warn_of_limited_scripts() const;
  void warn_of_missing_layers(const ZygoteProcess &zygote) const;
  void recover();
  void want_renewal(std::string_view why);
  void renew_if_due();
  void renew(const Turn &turn);
  void load_wanted(const Turn &turn);
  using Names = std::set<std::string, std::less<>>;
  Names cold_scripts(const PoolSettings &settings) const;
  Names least_used(int64_t kept_bytes, int64_t before_us, const Names &kept) const;
  bool make_room(GenerationPlan &plan) const;
  void learn_if_due();
  void learn(const Turn &turn);
  void forget_samples();
  std::vector<ScriptPointer> all_scripts(bool only_resident) const;

  void note_end(uint32_t generation, int wait_status, const RunHistoryPointer &ran_last);
  void supply();
  size_t wanted_workers() const;
  void forget_old_zygotes();

  void worker_left(WorkerProcess &worker) override;
  void worker_gone(WorkerProcess &worker) override;
  void fresh_worker_wanted() override { supply(); }
  void compiled_in(const Request &request) override;
  void all_is_done() override { owner_.pool_changed(); }

  bool zygote_forked_worker(ZygoteProcess &zygote, uint32_t id, ChildProcess process,
                            FileDescriptor socket, FileDescriptor page) override;
  void zygote_forked_zygote(ZygoteProcess &zygote, uint32_t generation,
                            ChildProcess process) override;
  void zygote_child_exited(ZygoteProcess &zygote, pid_t pid, int wait_status) override;
  void zygote_hung_up(ZygoteProcess &zygote) override;

  Environment &environment_;
  PoolOwner &owner_;
  ChildReaper &reaper_;
  ScriptStore &store_;
  std::string name_;
  PoolSettings settings_;
  Dispatcher dispatcher_;
  Scripts scripts_;
  std::string v8_version_, tzdata_;
  ControlGroup group_;
  int64_t memory_kills_ = 0; // in the group, as far as the log has told

  std::unique_ptr<ZygoteProcess> zygote_;                   // of the generation in use
  std::vector<std::unique_ptr<ZygoteProcess>> old_zygotes_; // until their workers are gone
  uint32_t last_generation_ = 0;
  // The program's present execution: all that was grown since then has its addresses.
  uint32_t executed_generation_ = 0;
  int64_t executed_us_ = 0; // or was to be, in vain
  size_t times_grown_ = 0;
  uint64_t runs_before_ = 0;
  bool had_fault_ = false;
  bool renewal_waits_ = false; // for its turn, or its end
  bool learns_ = false;        // the generation that is built is for that
  size_t sample_bytes_ = 0;    // at most, in all scripts' samples
  size_t waiting_script_bytes_ = 0;
  int64_t layer_bytes_ = 0, layer_garbage_bytes_ = 0; // by the zygote's account
  std::set<std::string> wanted_;                      // cold scripts that were called
  std::deque<Change> changes_;
  StateMachine<Pool, State> state_;
  std::unique_ptr<GenerationBuild> build_;
  GenerationBuild::Done build_done_;
  std::optional<BuiltGeneration> prepared_; // by prepare(), if that went well
  Turn prepared_turn_;                      // until commit() or abandon()
  PoolSettings prepared_settings_;
  Brake zygote_brake_;
  Timer recover_timer_, renew_timer_;

  bool stopped_ = false;
  std::unordered_map<uint32_t, std::unique_ptr<WorkerProcess>> workers_;
  uint32_t last_worker_ = 0;
  // Workers that are gone and whose ends were not told yet: each of them is looked at.
  struct Departed {
    uint32_t generation;
    int64_t since_us;
    RunHistoryPointer ran_last;
  };
  std::unordered_map<pid_t, Departed> departed_;
  size_t live_ = 0; // workers of the generation in use that were not counted out
  // Asked for and not there yet, by their ids; those that debug are not counted among the workers.
  std::set<uint32_t> forking_, forking_debuggers_;
  Brake worker_brake_{2};
  Timer supply_timer_; // pending: no worker is forked before
  Timer lull_timer_;   // runs while workers are missing that nobody waits for
  Timer fork_timer_;   // the zygote owes an answer
};

} // namespace lethe
