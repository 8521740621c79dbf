// SPDX-License-Identifier: Apache-2.0
// A zygote that was broken into speaks to the master as it likes: it is killed for what no zygote
// says, none of its processes stays, and another pool notices nothing.
#include "tests/attack/attacker.h"

#include <criterion/criterion.h>
#include <fstream>

using namespace lethe::test;
namespace fs = std::filesystem;

TestSuite(zygotes, .timeout = 60);

namespace {

// The pool "broken" has hostile/main.cc for its zygote, the default one a good one.
class BrokenZygote {
public:
  explicit BrokenZygote(const std::string &attack) {
    const std::string folder = programs_.path(), real = program("lethe-zygote");
    fs::copy(program("lethed"), folder + "/lethed");
    fs::create_symlink(program("lethe-snapshot"), folder + "/lethe-snapshot");
    std::ofstream(folder + "/lethe-zygote")
        << "#!/bin/sh\ncase \" $* \" in *' --memory-mb 77 '*) exec "
        << (build_folder() / "attack" / "hostile-zygote").string() << " " << attack << " "
        << trigger() << " \"$@\";; esac\nexec " << real << " \"$@\"\n";
    fs::permissions(folder + "/lethe-zygote", fs::perms(0755));
    fs::permissions(folder, fs::perms(0711));
    DaemonOptions options{.settings = {"pool.broken.memory_mb=77", "pool.broken.workers=2",
                                       "pool.broken.load_deadline_ms=500", "socket_mode=0666"}};
    options.program_folder = folder;
    daemon_.emplace(std::move(options));
    bystander_.emplace(*daemon_);
    zygote_ = hostile();
  }

  void begin() { std::ofstream(trigger()) << "now"; }
  void end() { fs::remove(trigger()); }
  Daemon &daemon() { return *daemon_; }

  // The one that was there at the beginning.
  void expect_gone(Where where = Where::here()) {
    expect(becomes_true([&] { return hostile() != zygote_; }, milliseconds(10'000)), "it lives on",
           where);
  }
  // What it does does not add up, and the other pool is served.
  void expect_bounded(Where where = Where::here()) {
    bystander_->expect_served(where);
    expect(open_descriptors(daemon_->pid()) < 200, "descriptors are left", where);
    expect(daemon_->descendants().size() < 40, "processes are left", where);
    expect(process_figure(daemon_->pid(), "status", "VmRSS") < 200 * 1024, "memory is left", where);
    end();
    expect_equal(daemon_->connect().eval("1"), 1, where);
  }

private:
  std::string trigger() const { return programs_.path() / "now"; }
  // Its number, once it runs.
  pid_t hostile() const {
    for (const ProcessState &state : daemon_->descendants())
      if (state.parent == daemon_->pid() && state.state != 'Z' && state.name == "lethe-zygote") {
        std::error_code gone;
        if (fs::read_symlink("/proc/" + std::to_string(state.pid) + "/exe", gone).filename() ==
            "hostile-zygote")
          return state.pid;
      }
    return 0;
  }

  ScratchFolder programs_;
  std::optional<Daemon> daemon_;
  std::optional<Bystander> bystander_;
  pid_t zygote_ = 0;
};

void is_killed(const std::string &attack, const std::string &flaw = "broke the protocol") {
  BrokenZygote broken(attack);
  broken.begin();
  broken.expect_gone();
  expect(broken.daemon().logs(flaw), "the log does not say why");
  broken.expect_bounded();
}

// It harms none but its own pool, whose requests may fail.
void is_borne(const std::string &attack, const std::string &sign) {
  BrokenZygote broken(attack);
  broken.begin();
  Client client = broken.daemon().connect();
  expect(becomes_true([&] {
           client.request("eval", {"1", {{"pool", "broken"}, {"deadline_ms", 100}}});
           return broken.daemon().log().find(sign) != std::string::npos;
         }),
         "the attack was not seen");
  broken.expect_bounded();
}

} // namespace

Test(zygotes, who_names_its_master_its_child) {
  is_killed("names_its_master_its_child", "is no child of it");
}
Test(zygotes, who_names_a_child_by_another_ones_descriptor) {
  is_killed("names_a_child_by_another_ones_descriptor", "is no child of it");
}
Test(zygotes, who_gives_what_is_no_process) {
  is_killed("gives_what_is_no_process", "is no child of it");
}
Test(zygotes, who_answers_a_fork_twice) {
  is_killed("answers_a_fork_twice", "nobody asked for that worker");
}
Test(zygotes, who_gives_workers_that_nobody_asked_for) {
  is_killed("gives_workers_that_nobody_asked_for", "nobody asked for that worker");
}
Test(zygotes, who_sends_descriptors_that_no_frame_has) {
  is_killed("sends_descriptors_that_no_frame_has");
}
Test(zygotes, who_announces_descriptors_that_do_not_come) {
  is_killed("announces_descriptors_that_do_not_come");
}
Test(zygotes, who_says_ready_again) { is_killed("says_ready_again"); }
Test(zygotes, who_loads_when_it_is_ready) { is_killed("loads_when_it_is_ready"); }
Test(zygotes, who_speaks_as_a_worker) { is_killed("speaks_as_a_worker"); }
Test(zygotes, who_speaks_as_the_master) { is_killed("speaks_as_the_master"); }
Test(zygotes, who_sends_what_is_no_frame) { is_killed("sends_what_is_no_frame"); }
Test(zygotes, who_sends_a_frame_without_end) { is_killed("sends_a_frame_without_end"); }
Test(zygotes, who_tells_the_ends_of_others) {
  is_killed("tells_the_ends_of_others", "more ends than children");
}
Test(zygotes, who_leaves_children_behind) {
  BrokenZygote broken("leaves_children_behind");
  broken.begin();
  broken.expect_gone();
  broken.end();
  expect(broken.daemon().logs("was left behind"), "nobody looks for them");
  expect(
      becomes_true([&] { return broken.daemon().descendants().size() < 15; }, milliseconds(10'000)),
      "they live on");
  broken.expect_bounded();
}
Test(zygotes, who_gives_a_page_that_can_be_cut) {
  is_borne("gives_a_page_that_can_be_cut", "not a sealed page");
}
Test(zygotes, who_gives_a_page_that_is_none) {
  is_borne("gives_a_page_that_is_none", "not a sealed page");
}
Test(zygotes, who_gives_a_channel_that_is_none) {
  is_borne("gives_a_channel_that_is_none", "a worker came incomplete");
}
Test(zygotes, who_gives_its_own_channel_to_a_worker) {
  is_borne("gives_its_own_channel_to_a_worker", "broke the protocol");
}
Test(zygotes, who_lies_in_ready) {
  BrokenZygote broken("lies_in_ready");
  broken.begin();
  broken.expect_gone();
  broken.daemon().connect().result("stats", json::array());
  broken.expect_bounded();
}

// The deadline for loading is one for each script, however often it is named.
Test(zygotes, who_loads_for_ever) {
  BrokenZygote broken("loads_for_ever");
  broken.begin();
  Client client = broken.daemon().connect();
  const auto begin = Clock::now();
  expect_members(client.error("script.put", {"s", "function f() {}", {{"pool", "broken"}}}),
                 {{"code", "deadline_exceeded"}, {"phase", "loading"}});
  expect(milliseconds_since(begin) < 10'000, "it takes as long as the zygote likes");
  broken.expect_bounded();
}
