// SPDX-License-Identifier: Apache-2.0
// The scripts on disk: what script.put confirmed is there after a crash of everything.
#pragma once

#include "daemon/master/loop/background_task.h"
#include "daemon/master/scripts/script.h"

#include <deque>
#include <map>

namespace lethe {

//   state_dir/scripts/objects/SHA256-OF-SOURCE       the source text
//   state_dir/scripts/names/SHA256-OF-POOL-AND-NAME  what is in force for a name; its form is in
//                                                    script_store.cc
//   state_dir/scripts/damaged/                       files that were set aside
//
// Every file is written under a temporary name, synced and renamed, and its folder synced. Changes
// are made one after the other by a forked child, as a disk may make its caller wait; reading is
// for the start.
class ScriptStore {
public:
  using Done = std::function<void(Result<Nothing>)>;

  ScriptStore(EventLoop &loop, ChildReaper &reaper) : loop_(loop), reaper_(reaper) {}
  // Makes the folders, or says why it can't.
  Result<Nothing> open(const std::string &state_dir);
  // Everything that is intact. Damaged files are set aside, and `damaged` gets a line for each.
  std::vector<ScriptPointer> load(std::vector<std::string> &damaged);

  void write(ScriptPointer script, Done done);
  void remove(const std::string &pool, const std::string &name, Done done);
  // For the daemon's end: what is being written will be there, and nobody hears of it any more.
  void forget_changes();
  bool busy() const { return task_ != nullptr; }

private:
  struct Change {
    std::string pool, name;
    ScriptPointer script; // nullptr: remove
    Done done;
  };

  void begin_next();
  void note(const std::string &pool, const std::string &name, const ScriptPointer &script);
  std::string name_path(const std::string &pool, const std::string &name) const;
  std::string object_path(const std::string &hash) const;
  // On an error, `damaged_file` is the one at fault.
  Result<ScriptPointer> read(const std::string &path, std::string &damaged_file) const;
  void remove_leftovers(bool all_is_intact) const;

  EventLoop &loop_;
  ChildReaper &reaper_;
  std::string folder_;
  // What is on disk: the object of each name (by path), and how many names share an object.
  std::map<std::string, std::string> object_of_;
  std::map<std::string, int> names_of_;
  std::deque<Change> changes_;
  std::unique_ptr<BackgroundTask> task_;
};

} // namespace lethe
