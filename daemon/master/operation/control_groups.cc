// SPDX-License-Identifier: Apache-2.0
// The files below /sys/fs/cgroup, and those of /proc that tell where.
#include "daemon/master/operation/control_groups.h"
#include "daemon/master/operation/log.h"
#include "ipc/escapes.h"
#include "ipc/files.h"

#include <cerrno>
#include <charconv>
#include <ctime>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lethe {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view pool_prefix = "pool-";
constexpr int most_removals = 300; // tries, a millisecond apart, for all groups together

Error none(const std::string &reason) { return Error(ErrorCode::not_found, reason); }

// The kernel's files take one value with one write, and are never made by it.
Result<Nothing> write_value(const std::string &path, std::string_view value) {
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file)
    return file_error("open", path);
  if (::write(file.get(), value.data(), value.size()) != static_cast<ssize_t>(value.size()))
    return file_error("write", path);
  return Nothing{};
}

bool is_there(const std::string &path) { return ::access(path.c_str(), F_OK) == 0; }

void wait_a_moment() {
  const timespec millisecond{0, 1'000'000};
  ::nanosleep(&millisecond, nullptr);
}

// Its size is not told, unlike that of a file on a disk.
Result<std::string> read_text(const std::string &path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file.is_open() || file.bad())
    return file_error("read", path);
  return text.str();
}

// "0::/system.slice/lethed.service": the line of the second version, beside those of the first.
Result<std::string> own_path(const std::string &file) {
  const auto text = read_text(file);
  if (!text)
    return text.error();
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("0::/"))
      return line.substr(3);
  return none("the kernel has no control groups of version 2");
}

// A unit's settings may mount parts of the hierarchy again, where the path is not found.
Result<std::string> folder_of(const std::string &path, const std::string &mounts) {
  const auto text = read_text(mounts);
  if (!text)
    return text.error();
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string source, place, type;
    words >> source >> place >> type;
    if (type != "cgroup2")
      continue;
    std::string folder = unescaped(place, octal_escape) + path;
    if (is_there(folder + "/cgroup.procs"))
      return folder;
  }
  return none("no mount shows the own control group " + path);
}

Result<Nothing> make_folder(const std::string &path) {
  if (::mkdir(path.c_str(), 0755) < 0 && errno != EEXIST)
    return file_error("make", path);
  return Nothing{};
}

// One by one: where a controller does not come, the others do.
void enable_controllers(const std::string &folder) {
  const auto there = read_text(folder + "/cgroup.controllers");
  std::istringstream names(there ? *there : std::string());
  for (std::string name; names >> name;)
    if (name == "memory" || name == "pids")
      if (auto enabled = write_value(folder + "/cgroup.subtree_control", "+" + name); !enabled)
        log_warning("pools are not limited in {}: {}", name, enabled.error().message);
}

void kill_left_over(const std::string &folder) {
  std::error_code error;
  for (const auto &entry : fs::directory_iterator(folder, error))
    if (entry.path().filename().string().starts_with(pool_prefix)) {
      const ControlGroup group(entry.path().string());
      group.kill_all();
      (void)group.remove(); // else it is used again, or stays empty
    }
}

} // namespace

Result<Nothing> ControlGroup::add(pid_t process) const {
  return folder_.empty() ? Nothing{}
                         : write_value(folder_ + "/cgroup.procs", std::to_string(process));
}

Result<Nothing> ControlGroup::limit(std::string_view file, int64_t most) const {
  const std::string path = folder_ + "/" + std::string(file);
  if (folder_.empty() || !is_there(path))
    return Nothing{};
  return write_value(path, most > 0 ? std::to_string(most) : "max");
}

int64_t ControlGroup::memory_kills() const {
  constexpr std::string_view key = "oom_kill ";
  const auto events =
      folder_.empty() ? Result<std::string>("") : read_text(folder_ + "/memory.events");
  std::istringstream lines(events ? *events : std::string());
  int64_t kills = 0;
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(key))
      std::from_chars(line.data() + key.size(), line.data() + line.size(), kills);
  return kills;
}

void ControlGroup::kill_all() const {
  if (!folder_.empty())
    (void)write_value(folder_ + "/cgroup.kill", "1"); // not there before Linux 5.14
}

bool ControlGroup::remove() const {
  return folder_.empty() || ::rmdir(folder_.c_str()) == 0 || errno == ENOENT;
}

ControlGroups &ControlGroups::operator=(ControlGroups &&other) noexcept {
  if (this == &other)
    return *this;
  give_back();
  folder_ = std::exchange(other.folder_, {});
  lock_ = std::move(other.lock_);
  own_ = std::exchange(other.own_, {});
  pools_ = std::exchange(other.pools_, {});
  return *this;
}

Result<std::string> ControlGroups::find_own(const Sources &sources) {
  const auto path = own_path(sources.own_group);
  if (!path)
    return path.error();
  if (*path == "/")
    return none("the own control group is the root");
  auto folder = folder_of(*path, sources.mounts);
  if (!folder)
    return folder;
  for (const char *file : {"", "/cgroup.procs", "/cgroup.subtree_control"})
    if (::access((*folder + file).c_str(), W_OK) < 0)
      return none(system_message("the own control group can't be divided: " + *folder + file));
  const auto processes = read_text(*folder + "/cgroup.procs");
  if (!processes)
    return processes.error();
  if (*processes != std::to_string(::getpid()) + "\n")
    return none("other processes are in the own control group " + *folder);
  return folder;
}

Result<ControlGroups> ControlGroups::divide(const std::string &folder) {
  ControlGroups groups;
  groups.lock_.reset(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!groups.lock_ || ::flock(groups.lock_.get(), LOCK_EX | LOCK_NB) < 0)
    return file_error("lock", folder);
  ControlGroup own(folder + "/lethed");
  if (auto made = make_folder(own.folder()); !made)
    return made.error();
  own.kill_all();
  kill_left_over(folder);
  groups.folder_ = folder; // from here on there is something to give back
  groups.own_ = own;
  if (auto moved = own.add(::getpid()); !moved)
    return moved.error();
  enable_controllers(folder);
  return groups;
}

Result<ControlGroup> ControlGroups::make_for_pool(const std::string &pool) {
  if (folder_.empty())
    return ControlGroup();
  ControlGroup group(folder_ + "/" + std::string(pool_prefix) + pool);
  if (auto made = make_folder(group.folder()); !made)
    return made.error();
  pools_.push_back(group);
  return group;
}

void ControlGroups::give_back() {
  if (folder_.empty())
    return;
  for (const ControlGroup &group : pools_)
    group.kill_all();
  for (int tries = 0; tries < most_removals; ++tries) {
    std::erase_if(pools_, [](const ControlGroup &group) { return group.remove(); });
    if (pools_.empty())
      break;
    wait_a_moment();
  }
  for (const ControlGroup &group : pools_)
    log_warning("control group {} is not empty, and stays", group.folder());
  // A group that others are in can't take processes while its children have controllers.
  for (const char *controller : {"-memory", "-pids"})
    (void)write_value(folder_ + "/cgroup.subtree_control", controller);
  (void)ControlGroup(folder_).add(::getpid());
  (void)own_.remove();
  pools_.clear();
  folder_.clear();
  lock_.reset();
}

} // namespace lethe
