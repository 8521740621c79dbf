// SPDX-License-Identifier: Apache-2.0
// Control groups, in a folder that stands in for one: which group is the daemon's to divide, and what
// is written where.
#include "daemon/master/operation/control_groups.h"
#include "tests/harness/scratch_folder.h"

#include <criterion/criterion.h>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace lethe;
namespace fs = std::filesystem;

namespace {

void write(const fs::path &path, const std::string &text) { std::ofstream(path) << text; }

std::string read(const fs::path &path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// The group /service, in which this process is alone. A mount point may have a space in its name.
struct Hierarchy : test::ScratchFolder {
  Hierarchy() {
    fs::create_directories(service());
    write(service() / "cgroup.procs", std::to_string(getpid()) + "\n");
    write(service() / "cgroup.controllers", "cpu memory\n");
    write(service() / "cgroup.subtree_control", "");
    write(path() / "own", "4:memory:/other\n0::/service\n");
    write(path() / "mounts", "cgroup " + path().string() + "/v1 cgroup rw,memory 0 0\n" + //
                                 "cgroup2 " + path().string() + "/elsewhere cgroup2 ro 0 0\n" +
                                 "cgroup2 " + path().string() + "/the\\040mount cgroup2 rw 0 0\n");
    add_group("lethed");
  }
  fs::path service() const { return path() / "the mount" / "service"; }
  // What the kernel would put into a new folder.
  void add_group(const std::string &name) const {
    fs::create_directories(service() / name);
    for (const char *file :
         {"cgroup.procs", "cgroup.kill", "pids.max", "memory.max", "memory.events"})
      write(service() / name / file, "");
  }
  // What it would take out before it removes the folder.
  void empty_group(const std::string &name) const {
    for (const auto &file : fs::directory_iterator(service() / name))
      fs::remove(file);
  }
  Result<std::string> find() const {
    return ControlGroups::find_own({(path() / "own").string(), (path() / "mounts").string()});
  }
  std::string why_none() const {
    const auto found = find();
    return found ? "found" : found.error().message;
  }
};

void expect_part(const std::string &text, const std::string &part) {
  cr_assert(text.find(part) != text.npos, "no \"%s\" in: %s", part.c_str(), text.c_str());
}

} // namespace

Test(control_groups, the_own_group_is_found_below_the_mount_that_shows_it) {
  const Hierarchy hierarchy;
  cr_assert_eq(hierarchy.why_none(), "found");
  cr_assert_eq(*hierarchy.find(), hierarchy.service().string());
}

Test(control_groups, a_group_that_is_not_the_daemons_is_left_alone) {
  const Hierarchy hierarchy;
  write(hierarchy.service() / "cgroup.procs", "1\n" + std::to_string(getpid()) + "\n");
  expect_part(hierarchy.why_none(), "other processes are in");
  write(hierarchy.service() / "cgroup.procs", std::to_string(getpid()) + "\n");
  fs::remove(hierarchy.service() / "cgroup.subtree_control");
  expect_part(hierarchy.why_none(), "can't be divided");
  write(hierarchy.path() / "own", "0::/another\n");
  expect_part(hierarchy.why_none(), "no mount shows");
  write(hierarchy.path() / "own", "0::/\n");
  expect_part(hierarchy.why_none(), "is the root");
  write(hierarchy.path() / "own", "4:memory:/service\n");
  expect_part(hierarchy.why_none(), "version 2");
}

Test(control_groups, the_daemon_moves_out_of_the_way_and_enables_what_is_there) {
  const Hierarchy hierarchy;
  auto groups = ControlGroups::divide(hierarchy.service());
  cr_assert(groups, "%s", groups ? "" : groups.error().message.c_str());
  cr_assert_eq(read(hierarchy.service() / "lethed" / "cgroup.procs"), std::to_string(getpid()));
  cr_assert_eq(read(hierarchy.service() / "cgroup.subtree_control"), "+memory");
  hierarchy.empty_group("lethed");
  groups->give_back();
  cr_assert(!fs::exists(hierarchy.service() / "lethed"));
}

Test(control_groups, one_group_is_divided_by_one_daemon) {
  const Hierarchy hierarchy;
  {
    const auto first = ControlGroups::divide(hierarchy.service());
    cr_assert(first);
    cr_assert(!ControlGroups::divide(hierarchy.service()));
  }
  cr_assert(ControlGroups::divide(hierarchy.service()));
}

Test(control_groups, what_an_earlier_daemon_left_is_killed_and_its_group_used_again) {
  const Hierarchy hierarchy;
  hierarchy.add_group("pool-a");
  fs::create_directories(hierarchy.service() / "pool-gone");
  fs::create_directories(hierarchy.service() / ".control"); // the service manager's
  auto groups = ControlGroups::divide(hierarchy.service());
  cr_assert(groups);
  cr_assert_eq(read(hierarchy.service() / "lethed" / "cgroup.kill"), "1");
  cr_assert_eq(read(hierarchy.service() / "pool-a" / "cgroup.kill"), "1");
  cr_assert(!fs::exists(hierarchy.service() / "pool-gone"));
  cr_assert(fs::exists(hierarchy.service() / ".control"));
  const auto group = groups->make_for_pool("a");
  cr_assert(group);
  cr_assert_eq(group->folder(), (hierarchy.service() / "pool-a").string());
  hierarchy.empty_group("pool-a");
  hierarchy.empty_group("lethed");
}

Test(control_groups, limits_and_members_are_written_as_the_kernel_reads_them) {
  const Hierarchy hierarchy;
  hierarchy.add_group("pool-a");
  const fs::path folder = hierarchy.service() / "pool-a";
  const ControlGroup group(folder.string());
  cr_assert(group.add(4321));
  cr_assert_eq(read(folder / "cgroup.procs"), "4321");
  cr_assert(group.limit_tasks(90));
  cr_assert_eq(read(folder / "pids.max"), "90");
  cr_assert(group.limit_memory(0));
  cr_assert_eq(read(folder / "memory.max"), "max");
  cr_assert(group.limit_memory(int64_t{5} << 30));
  cr_assert_eq(read(folder / "memory.max"), "5368709120");
}

Test(control_groups, a_controller_that_is_not_there_limits_nothing_and_nothing_fails) {
  const Hierarchy hierarchy;
  fs::create_directories(hierarchy.service() / "pool-a");
  const ControlGroup group((hierarchy.service() / "pool-a").string());
  cr_assert(group.limit_tasks(90) && group.limit_memory(1 << 20));
  cr_assert(fs::is_empty(group.folder()));
  cr_assert_eq(group.memory_kills(), 0);
  cr_assert(!group.add(4321)); // but this is no group
  const ControlGroup none;
  cr_assert(none.add(4321) && none.limit_tasks(1) && none.limit_memory(1) && none.remove());
}

Test(control_groups, memory_kills_are_those_of_processes) {
  const Hierarchy hierarchy;
  hierarchy.add_group("pool-a");
  const fs::path folder = hierarchy.service() / "pool-a";
  write(folder / "memory.events", "low 1\nhigh 2\nmax 9\noom 4\noom_kill 3\noom_group_kill 8\n");
  cr_assert_eq(ControlGroup(folder.string()).memory_kills(), 3);
}

Test(control_groups, what_is_in_a_pools_group_is_killed_before_it_is_removed) {
  const Hierarchy hierarchy;
  auto groups = ControlGroups::divide(hierarchy.service());
  cr_assert(groups);
  hierarchy.add_group("pool-a");
  cr_assert(groups->make_for_pool("a"));
  groups->give_back(); // does not wait for ever
  cr_assert_eq(read(hierarchy.service() / "pool-a" / "cgroup.kill"), "1");
}
