// SPDX-License-Identifier: Apache-2.0
// Files of the script store. A name's file is one MessagePack value: [magic, record (bin), SHA-256
// of the record (bin)]; the record is [pool, name, version, options raw, hash of the source].
#include "daemon/master/scripts/script_store.h"
#include "daemon/master/scripts/request_options.h"
#include "ipc/files.h"
#include "ipc/hex.h"
#include "ipc/invariant.h"
#include "ipc/message_pack.h"
#include "ipc/packer.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <optional>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

namespace lethe {
namespace {

constexpr std::string_view magic = "lethe script 1";
constexpr mode_t file_mode = 0600; // scripts may hold secrets

std::string sha256(std::string_view bytes) {
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  unsigned length = 0;
  const int digested =
      EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char *>(digest.data()),
                 &length, EVP_sha256(), nullptr);
  invariant(digested == 1, "SHA-256 is there");
  digest.resize(length);
  return digest;
}

// Surely: nothing is there, or something else. Where the kernel can't tell, reading says why.
bool is_no_file(const std::string &path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) < 0)
    return errno == ENOENT;
  return !S_ISREG(status.st_mode);
}

// It becomes part of a path.
bool is_hash(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == text.npos;
}

std::string name_file(const Script &script, std::string_view hash) {
  Buffer record, file;
  Packer packer(record);
  packer.pack_array(5);
  pack_string(packer, script.pool);
  pack_string(packer, script.name);
  packer.pack_int64(script.version);
  record.append(script.options);
  pack_string(packer, hash);
  const std::string checksum = sha256(record.view());
  Packer out(file);
  out.pack_array(3);
  pack_string(out, magic);
  out.pack_bin(static_cast<uint32_t>(record.size()));
  file.append(record.view());
  out.pack_bin(static_cast<uint32_t>(checksum.size()));
  file.append(checksum);
  return std::string(file.view());
}

} // namespace

Result<Nothing> ScriptStore::open(const std::string &state_dir) {
  folder_ = state_dir + "/scripts";
  bool has_new = false;
  for (const char *part : {"objects", "names", "damaged"}) {
    const std::string path = folder_ + "/" + part;
    std::error_code error;
    has_new |= std::filesystem::create_directories(path, error);
    if (error)
      return Error(ErrorCode::internal,
                   fmt::format("state_dir: create {}: {}", path, error.message()));
    // That a folder can't be written is told at the start, not by the first script.put.
    if (access(path.c_str(), R_OK | W_OK | X_OK) < 0)
      return Error(ErrorCode::internal, system_message("state_dir: " + path));
  }
  // A new folder is there for good once the one that it is in is synced.
  if (has_new)
    for (const std::string &path : {folder_ + "/names", folder_, state_dir})
      if (auto synced = sync_folder_of(path); !synced)
        return Error(ErrorCode::internal, "state_dir: " + synced.error().message);
  chmod(folder_.c_str(), 0700); // scripts may hold secrets
  auto locked = FolderLock::take(reaper_.kernel(), folder_);
  if (!locked)
    return locked.error();
  lock_ = std::move(*locked);
  return Nothing{};
}

// Hashed, as a script's name may have slashes.
std::string ScriptStore::name_path(const std::string &pool, const std::string &name) const {
  return fmt::format("{}/names/{}", folder_, to_hex(sha256(pool + '\0' + name)));
}

std::string ScriptStore::object_path(const std::string &hash) const {
  return fmt::format("{}/objects/{}", folder_, hash);
}

Result<ScriptStore::Reading> ScriptStore::read(const std::string &path) const {
  const Reading damaged{nullptr, path, "damaged"};
  if (is_no_file(path))
    return damaged;
  const auto content = read_file(path);
  if (!content)
    return content.error();
  Reader file(*content);
  const auto parts = file.array();
  const auto mark = file.string(), record = file.string(), checksum = file.string();
  if (parts != 3u || mark != magic || !record || !checksum || !file.at_end() ||
      *checksum != sha256(*record))
    return damaged;
  Reader reader(*record);
  const auto fields = reader.array();
  const auto pool = reader.string(), name = reader.string();
  const auto version = reader.integer();
  const auto options = reader.take_raw();
  const auto hash = reader.string();
  if (fields != 5u || !pool || !name || !version || !options || !hash || !is_hash(*hash) ||
      // A whole record under another name's path was put there by hand.
      name_path(std::string(*pool), std::string(*name)) != path)
    return damaged;
  auto script = std::make_shared<Script>();
  if (const auto given = give_options(*script, *options); !given)
    return Reading{nullptr, path, given.error().message};
  const std::string object = object_path(std::string(*hash));
  if (is_no_file(object))
    return Reading{nullptr, object, "there is no such file"};
  auto source = read_file(object);
  if (!source)
    return source.error();
  if (to_hex(sha256(*source)) != *hash)
    return Reading{nullptr, object, "damaged"};
  script->pool = *pool;
  script->name = *name;
  script->version = *version;
  script->source = std::move(*source);
  return Reading{script, "", ""};
}

// The paths of all files but leftovers, in an order: the log is to have one.
Result<std::vector<std::string>> ScriptStore::list(const char *part) const {
  namespace fs = std::filesystem;
  std::vector<std::string> paths;
  const std::string folder = folder_ + "/" + part;
  std::error_code error;
  // Not in a range's for, which throws where the disk fails half-way.
  for (fs::directory_iterator entry(folder, error); !error && entry != fs::directory_iterator();
       entry.increment(error))
    if (!entry->path().filename().string().starts_with(new_file_prefix))
      paths.push_back(entry->path().string());
  if (error)
    return Error(ErrorCode::internal, fmt::format("list {}: {}", folder, error.message()));
  std::sort(paths.begin(), paths.end());
  return paths;
}

Result<std::vector<ScriptPointer>> ScriptStore::load(std::vector<std::string> &damaged) {
  const auto unreadable = [](const Error &error) {
    return Error(ErrorCode::internal, "state_dir: stored scripts can't be read: " + error.message);
  };
  std::vector<ScriptPointer> scripts;
  std::vector<Reading> to_set_aside;
  const auto names = list("names"), aside = list("damaged");
  for (const auto *listed : {&names, &aside})
    if (!*listed)
      return unreadable(listed->error());
  for (const std::string &path : *names) {
    auto reading = read(path);
    if (!reading)
      return unreadable(reading.error());
    if (reading->script)
      scripts.push_back(std::move(reading->script));
    else
      to_set_aside.push_back(std::move(*reading));
  }
  for (const ScriptPointer &script : scripts)
    note(entry_of(script));
  for (const Reading &reading : to_set_aside)
    damaged.push_back(set_aside(reading));
  remove_leftovers(damaged.empty() && aside->empty());
  return scripts;
}

std::string ScriptStore::set_aside(const Reading &reading) const {
  namespace fs = std::filesystem;
  const std::string aside =
      fmt::format("{}/damaged/{}", folder_, fs::path(reading.damaged_file).filename().string());
  std::error_code error;
  fs::rename(reading.damaged_file, aside, error);
  return fmt::format("{}: {}; {}", reading.damaged_file, reading.damage,
                     error ? "nothing to set aside" : "set aside as " + aside);
}

// Of a writer that was killed: files that were not renamed yet, and sources that no name got to.
// While something is damaged, a source may belong to a name that an operator is about to restore.
void ScriptStore::remove_leftovers(bool all_is_intact) const {
  namespace fs = std::filesystem;
  std::error_code ignored;
  for (const char *part : {"names", "objects"})
    for (fs::directory_iterator entry(folder_ + "/" + part, ignored);
         !ignored && entry != fs::directory_iterator(); entry.increment(ignored)) {
      const std::string file = entry->path().filename().string();
      if (file.starts_with(new_file_prefix) ||
          (all_is_intact && std::string_view(part) == "objects" && !names_of_.contains(file)))
        ::unlink(entry->path().c_str());
    }
}

ScriptStore::Entry ScriptStore::entry_of(ScriptPointer script) const {
  Entry entry{name_path(script->pool, script->name), nullptr, to_hex(sha256(script->source))};
  entry.script = std::move(script);
  return entry;
}

void ScriptStore::note(const Entry &entry) {
  if (const auto old = object_of_.find(entry.path); old != object_of_.end()) {
    invariant(names_of_[old->second] > 0, "a source is kept as long as a name has it",
              {"names", names_of_[old->second]});
    if (--names_of_[old->second] == 0)
      names_of_.erase(old->second);
    object_of_.erase(old);
  }
  if (entry.script) {
    object_of_[entry.path] = entry.hash;
    ++names_of_[entry.hash];
  }
}

void ScriptStore::write(std::vector<ScriptPointer> scripts, Done done) {
  Change change{{}, std::move(done)};
  for (ScriptPointer &script : scripts)
    change.entries.push_back(entry_of(std::move(script)));
  changes_.push_back(std::move(change));
  begin_next();
}

void ScriptStore::remove(const std::string &pool, const std::string &name, Done done) {
  changes_.push_back({{{name_path(pool, name), nullptr, {}}}, std::move(done)});
  begin_next();
}

void ScriptStore::forget_changes() {
  if (changes_.empty())
    return;
  changes_.front().done = [](const Result<Nothing> &) {};
  changes_.erase(changes_.begin() + 1, changes_.end());
}

void ScriptStore::begin_next() {
  if (task_ || changes_.empty())
    return;
  const auto work = [this, change = changes_.front(), obsolete = obsolete_after(changes_.front())] {
    return make(change, obsolete);
  };
  const auto done = [this](Result<Nothing> result) {
    invariant(!changes_.empty(), "what was written was asked for");
    loop_.dispose(std::move(task_));
    Change ended = std::move(changes_.front());
    changes_.pop_front();
    if (result)
      for (const Entry &entry : ended.entries)
        note(entry);
    ended.done(std::move(result));
    begin_next();
  };
  task_ = std::make_unique<BackgroundTask>(loop_, reaper_, work, lock_.descriptor(), done);
}

// Equal sources share an object, so it goes with the last name that needs it.
std::vector<std::string> ScriptStore::obsolete_after(const Change &change) const {
  std::map<std::string, int> names;
  const auto count = [&](const std::string &hash) -> int & {
    const auto known = names_of_.find(hash);
    return names.try_emplace(hash, known == names_of_.end() ? 0 : known->second).first->second;
  };
  for (const Entry &entry : change.entries) {
    if (const auto old = object_of_.find(entry.path); old != object_of_.end())
      --count(old->second);
    if (entry.script)
      ++count(entry.hash);
  }
  std::vector<std::string> obsolete;
  for (const auto &[hash, left] : names)
    if (left == 0)
      obsolete.push_back(hash);
  return obsolete;
}

// The sources before the names that point to them, and old sources last: at no moment does a name lack
// its source.
Result<Nothing> ScriptStore::make(const Change &change,
                                  const std::vector<std::string> &obsolete) const {
  std::set<std::string> written;
  for (const Entry &entry : change.entries) {
    if (!entry.script)
      continue;
    if (!names_of_.contains(entry.hash) && written.insert(entry.hash).second)
      if (auto replaced = replace_file(object_path(entry.hash), entry.script->source, file_mode);
          !replaced)
        return replaced;
  }
  std::vector<std::pair<std::string, std::optional<std::string>>>
      changed; // paths, and what was there
  const auto replace = [&](const std::string &path, const std::optional<std::string> &content) {
    return content ? replace_file(path, *content, file_mode) : remove_file(path);
  };
  for (const Entry &entry : change.entries) {
    std::optional<std::string> old;
    Result<Nothing> result = Nothing{};
    if (change.entries.size() > 1 && object_of_.contains(entry.path)) {
      if (auto content = read_file(entry.path))
        old = std::move(*content);
      else
        result = content.error();
    }
    if (result)
      result =
          replace(entry.path, entry.script ? std::optional(name_file(*entry.script, entry.hash))
                                           : std::nullopt);
    if (result) {
      changed.emplace_back(entry.path, std::move(old));
      continue;
    }
    Error error = result.error();
    for (const auto &[former_path, former] : changed)
      if (const auto back = replace(former_path, former); !back)
        error.message += "; and what was there can't be put back: " + back.error().message;
    return error;
  }
  for (const std::string &hash : obsolete)
    unlink(object_path(hash).c_str());
  return Nothing{};
}

} // namespace lethe
