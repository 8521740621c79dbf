// SPDX-License-Identifier: Apache-2.0
// The scripts on disk: what script.put confirmed is there after a crash of everything.
#pragma once

#include "daemon/master/loop/background_task.h"
#include "daemon/master/scripts/folder_lock.h"
#include "daemon/master/scripts/script.h"

#include <deque>
#include <map>
#include <vector>

namespace lethe {

//   state_dir/scripts/objects/SHA256-OF-SOURCE       the source text
//   state_dir/scripts/names/SHA256-OF-POOL-AND-NAME  what is in force for a name; its form is in
//                                                    script_store.cc
//   state_dir/scripts/damaged/                       files that were set aside
//
// Every file is written under a temporary name, synced and renamed, and its folder synced. Changes
// are made one after the other by a forked child, as a disk may make its caller wait; reading is
// for the start. What the books say is on the disk is there: nobody else writes, as the store holds
// a lock, and a change that failed has not been made.
class ScriptStore {
public:
  using Done = std::function<void(Result<Nothing>)>;

  ScriptStore(EventLoop &loop, ChildReaper &reaper) : loop_(loop), reaper_(reaper) {}
  // Makes the folders and locks them, or says why it can't.
  Result<Nothing> open(const std::string &state_dir);
  // Everything that is intact. Damaged files are set aside, and `damaged` gets a line for each. An
  // error is what could not be read (a failing disk, too many open files): nothing was changed, and
  // whoever went on without it would serve as if it had been deleted.
  Result<std::vector<ScriptPointer>> load(std::vector<std::string> &damaged);

  // All of them, or, if one can't be written, none; a crash in the midst of it may leave some. Of one pool
  // each, and with different names.
  void write(std::vector<ScriptPointer> scripts, Done done);
  void remove(const std::string &pool, const std::string &name, Done done);
  // For the daemon's end: what is being written will be there, and nobody hears of it any more.
  void forget_changes();
  bool busy() const { return task_ != nullptr; }

private:
  struct Entry {
    std::string path;     // of the name
    ScriptPointer script; // nullptr: remove
    std::string hash;     // of its source
  };
  struct Change {
    std::vector<Entry> entries;
    Done done;
  };

  void begin_next();
  std::vector<std::string> obsolete_after(const Change &change) const;
  Result<Nothing> make(const Change &change, const std::vector<std::string> &obsolete) const;
  Entry entry_of(ScriptPointer script) const;
  void note(const Entry &entry);
  std::string name_path(const std::string &pool, const std::string &name) const;
  std::string object_path(const std::string &hash) const;
  struct Reading {
    ScriptPointer script; // nullptr: it is damaged
    std::string damaged_file, damage;
  };
  Result<Reading> read(const std::string &path) const;
  Result<std::vector<std::string>> list(const char *part) const;
  std::string set_aside(const Reading &reading) const;
  void remove_leftovers(bool all_is_intact) const;

  EventLoop &loop_;
  ChildReaper &reaper_;
  std::string folder_;
  FolderLock lock_;
  // What is on disk: the object of each name (by path), and how many names share an object.
  std::map<std::string, std::string> object_of_;
  std::map<std::string, int> names_of_;
  std::deque<Change> changes_;
  std::unique_ptr<BackgroundTask> task_;
};

} // namespace lethe
