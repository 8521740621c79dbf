// SPDX-License-Identifier: Apache-2.0
// The system calls of each layer. Interface of Landlock: Linux, Documentation/userspace-api/landlock.rst
#include "daemon/confinement/confinement.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <optional>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace lethe {
namespace {

// Landlock denies what a ruleset handles and no rule allows. Bits by ABI version.
constexpr uint64_t file_access_bits(long abi) {
  return abi >= 5 ? 0xffff : abi >= 3 ? 0x7fff : abi == 2 ? 0x3fff : 0x1fff;
}

struct LandlockRuleset { // as of ABI 6; older kernels take the shorter beginning
  uint64_t file_access, network_access, scoped;
};

// 0: none.
long landlock_abi() {
  const long abi =
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return std::max(abi, 0L);
}

bool allow_reading(int ruleset, const char *folder) {
  const FileDescriptor opened(::open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC));
  landlock_path_beneath_attr rule{};
  rule.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
  rule.parent_fd = opened.get();
  return opened &&
         ::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
}

// With hidepid a user sees in /proc only those of its processes that are dumpable. The master has to
// see its own.
bool proc_hides_processes() {
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);)
    if (const size_t option = line.find("hidepid=");
        line.find(" /proc ") != line.npos && option != line.npos)
      return !line.substr(option).starts_with("hidepid=0") &&
             !line.substr(option).starts_with("hidepid=off");
  return false;
}

Layer in_force(std::string_view name) { return {std::string(name), Layer::State::in_force}; }

Layer missing(std::string_view name, Layer::State state) {
  return {std::string(name), state, strerrordesc_np(errno)};
}

Layer layer_if(bool is_up, std::string_view name) {
  return is_up ? in_force(name) : missing(name, Layer::State::failed);
}

// Without a user namespace of its own only a privileged process gets the others. The kernel may be
// built without one of them, and its administrator may have forbidden or used up all.
Layer leave_namespace(std::string_view name, int flag) {
  if (::unshare(flag) == 0)
    return in_force(name);
  const bool is_refused = errno == EPERM || errno == EINVAL || errno == ENOSPC || errno == ENOSYS;
  return missing(name, is_refused ? Layer::State::not_here : Layer::State::failed);
}

bool write_own(const char *name, const std::string &text) {
  const FileDescriptor file(
      ::open((std::string("/proc/self/") + name).c_str(), O_WRONLY | O_CLOEXEC));
  return file && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

// In a new user namespace nobody has a number, and who has none can make no file. Its own ones are
// what everybody may give himself.
bool keep_ids(uid_t user, gid_t group) {
  const auto itself = [](unsigned id) {
    return std::to_string(id) + " " + std::to_string(id) + " 1\n";
  };
  return write_own("uid_map", itself(user)) && write_own("setgroups", "deny") &&
         write_own("gid_map", itself(group));
}

constexpr const char *proc = "/proc";
constexpr unsigned long root_flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;

// What lies at `folder`, with what is mounted below it, apart from its place.
FileDescriptor take_tree(const char *folder) {
  return FileDescriptor(static_cast<int>(::syscall(
      SYS_open_tree, AT_FDCWD, folder, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE)));
}

// A new root takes the place of /proc for a moment, which is a folder everywhere. What was the root
// is then mounted nowhere any more. A root of the machine's start (initramfs) can't be left so, but
// it can be turned away from; nobody who has no capability comes back.
bool become_root() {
  if (::chdir(proc) < 0)
    return false;
  if (::syscall(SYS_pivot_root, ".", ".") == 0)
    return ::umount2(".", MNT_DETACH) == 0 && ::chdir("/") == 0;
  return ::chroot(".") == 0;
}

// Nothing is in it but /proc, if that is wanted. In a mount namespace of its own.
bool make_empty_root(bool with_proc) {
  const FileDescriptor kept = with_proc ? take_tree(proc) : FileDescriptor();
  if (with_proc && !kept)
    return false;
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0 ||
      ::mount("none", proc, "tmpfs", root_flags, "size=4k,nr_inodes=4,mode=555") < 0)
    return false;
  const bool is_there = (!with_proc || (::mkdir("/proc/proc", 0555) == 0 &&
                                        ::syscall(SYS_move_mount, kept.get(), "", AT_FDCWD,
                                                  "/proc/proc", MOVE_MOUNT_F_EMPTY_PATH) == 0)) &&
                        become_root();
  if (!is_there) {
    const int why = errno;
    ::umount2(proc, MNT_DETACH); // the old one is there again
    errno = why;
    return false;
  }
  return ::mount(nullptr, "/", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | root_flags, nullptr) ==
         0;
}

// A filter of the service manager's may forbid the calls, and a security module the mounts.
Layer enter_empty_root(std::string_view name, bool with_proc, uid_t user, gid_t group) {
  if (keep_ids(user, group) && make_empty_root(with_proc))
    return in_force(name);
  const bool is_refused = errno == EPERM || errno == EACCES || errno == ENOSYS;
  return missing(name, is_refused ? Layer::State::not_here : Layer::State::failed);
}

// Also those that it has in a namespace of its own.
bool drop_capabilities() {
  // Without these a program that root executes would get all again. Both need a capability: who has
  // none has nothing to lose.
  ::prctl(PR_SET_SECUREBITS, 0x2f, 0, 0,
          0); // NOROOT, NO_SETUID_FIXUP and their locks; no KEEP_CAPS
  for (int capability = 0; ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0; ++capability) {
  }
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2] = {}, has[2] = {};
  if (::syscall(SYS_capset, &header, none) == 0)
    return true;
  // A filter of the service manager's may forbid the call to a process that has none.
  const int why = errno;
  if (::syscall(SYS_capget, &header, has) < 0)
    return false;
  errno = why;
  return std::ranges::all_of(has, [](const __user_cap_data_struct &part) {
    return part.effective == 0 && part.permitted == 0 && part.inheritable == 0;
  });
}

struct Speculation {
  std::string_view name;
  unsigned long what;
};
// What a processor may do ahead with what it must not: a load before the stores that come before it
// (Spectre 4), and jumps to where others have trained it to (Spectre 2).
constexpr Speculation speculations[] = {
    {"no_store_bypass", PR_SPEC_STORE_BYPASS},
    {"no_indirect_branch_speculation", PR_SPEC_INDIRECT_BRANCH}};

// None where there is nothing to switch off.
std::optional<Layer> end_speculation(const Speculation &speculation) {
  const int state = ::prctl(PR_GET_SPECULATION_CTRL, speculation.what, 0, 0, 0);
  if (state == PR_SPEC_NOT_AFFECTED)
    return std::nullopt;
  const bool is_off = state > 0 && (state & (PR_SPEC_DISABLE | PR_SPEC_FORCE_DISABLE)) != 0 &&
                      (state & PR_SPEC_PRCTL) == 0; // for the whole machine
  if (is_off ||
      ::prctl(PR_SET_SPECULATION_CTRL, speculation.what, PR_SPEC_FORCE_DISABLE, 0, 0) == 0)
    return in_force(speculation.name);
  const bool has_no_control =
      errno == ENXIO || errno == ENODEV || errno == EINVAL || errno == EPERM;
  return missing(speculation.name, has_no_control ? Layer::State::not_here : Layer::State::failed);
}

} // namespace

Landlock Landlock::make(const char *readable) {
  Landlock landlock;
  const long abi = landlock.abi_ = landlock_abi();
  if (abi < 1)
    return landlock;
  const LandlockRuleset ruleset{file_access_bits(abi), abi >= 4 ? 3u : 0u, abi >= 6 ? 3u : 0u};
  const size_t bytes = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
  FileDescriptor made(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &ruleset, bytes, 0)));
  if (made && (!*readable || allow_reading(made.get(), readable)))
    landlock.ruleset_ = std::move(made);
  return landlock;
}

Layer Landlock::layer(std::string_view name) const {
  if (abi_ < 1)
    return {std::string(name), Layer::State::not_here, "the kernel has no Landlock"};
  if (!ruleset_)
    return {std::string(name), Layer::State::failed, "there is no ruleset"};
  return in_force(std::string(name) + " " + std::to_string(abi_));
}

Layer Landlock::apply(std::string_view name) const {
  if (ruleset_ && ::syscall(SYS_landlock_restrict_self, ruleset_.get(), 0) < 0)
    return missing(name, Layer::State::failed);
  return layer(name);
}

std::vector<Layer> confine(const char *readable, bool limits_speculation) {
  std::vector<Layer> layers;
  const bool hidden = proc_hides_processes();
  const uid_t user = ::geteuid();
  const gid_t group = ::getegid();
  layers.push_back(layer_if(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privileges"));
  // The first of them gives the right to the others.
  layers.push_back(leave_namespace("user_namespace", CLONE_NEWUSER));
  layers.push_back(leave_namespace("network_namespace", CLONE_NEWNET));
  layers.push_back(leave_namespace("ipc_namespace", CLONE_NEWIPC));
  layers.push_back(leave_namespace("uts_namespace", CLONE_NEWUTS));
  layers.push_back(leave_namespace("cgroup_namespace", CLONE_NEWCGROUP));
  layers.push_back(leave_namespace("mount_namespace", CLONE_NEWNS));
  if (layers.back().state == Layer::State::in_force)
    layers.push_back(enter_empty_root("empty_root", *readable != '\0', user, group));
  layers.push_back(layer_if(drop_capabilities(), "no_capabilities"));
  if (hidden) // instead: nobody sees this process who may not trace it, which the master must
    layers.push_back(in_force("hidden_processes"));
  else
    layers.push_back(layer_if(::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0, "not_dumpable"));
  for (const Speculation &speculation : speculations)
    if (auto layer = limits_speculation ? end_speculation(speculation) : std::nullopt)
      layers.push_back(std::move(*layer));
  layers.push_back(Landlock::make(readable).apply("zygote_landlock"));
  return layers;
}

} // namespace lethe
