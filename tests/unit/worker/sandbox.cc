// SPDX-License-Identifier: Apache-2.0
// The sandbox: its filter is what its table says, the table does not grow unseen, and nothing that
// a worker does saves it after a forbidden call.
#include "daemon/worker/sandbox.h"
#include "daemon/engine/globals.h"
#include "daemon/engine/memory/pages.h"
#include "daemon/worker/sandbox_rules.h"
#include "tests/unit/worker/filter_program.h"

#include <algorithm>
#include <cerrno>
#include <criterion/criterion.h>
#include <cstring>
#include <fcntl.h>
#include <functional>
#include <set>
#include <string>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace lethe;
using namespace lethe::test;

namespace {

constexpr CallFacts facts{
    .arena_begin = 0x7f12'3456'7000, .program_end = 0x5512'3456'7000, .own_pid = 4711};
constexpr int most_calls = 1024; // no kernel has as many
constexpr uint32_t failed = SECCOMP_RET_TRAP;

using Arguments = uint64_t[6];

// What the table says of a call.
uint32_t verdict(const CallTable &table, int call, const Arguments &arguments) {
  for (const CallRow &row : table)
    if (row.fits(call, arguments, facts))
      return row.refusal == 0 ? SECCOMP_RET_ALLOW
                              : SECCOMP_RET_ERRNO | static_cast<uint32_t>(row.refusal);
  return failed;
}

uint32_t run(const std::vector<sock_filter> &filter, uint32_t architecture, int call,
             const Arguments &arguments) {
  seccomp_data data{call, architecture, 0, {}};
  std::memcpy(data.args, arguments, sizeof data.args);
  return run_filter(filter, data);
}

// Values at which a condition could be wrong: those of the table, each with one bit more or less,
// and the next ones.
std::set<uint64_t> interesting(const CallTable &table, int call, int argument) {
  std::set<uint64_t> values{0, 1, 0xffffffff, 1ull << 32, ~0ull};
  for (const CallRow &row : table)
    for (const CallCondition &condition : row.conditions) {
      if (row.number != call || condition.kind == CallCondition::Kind::none ||
          condition.argument != argument)
        continue;
      const uint64_t value = condition.value_with(facts);
      values.insert({value, value + 1, value - 1, ~condition.mask, value | ~condition.mask});
      for (int bit = 0; bit < 64; ++bit)
        values.insert(value ^ (1ull << bit));
    }
  return values;
}

void expect_same(const CallTable &table) {
  const auto filter = make_filter(table, facts, Violation::signal);
  cr_assert_leq(filter.size(), size_t{BPF_MAXINSNS});
  for (int call = 0; call < most_calls; ++call) {
    const Arguments none{};
    for (const uint32_t foreign : {uint32_t{AUDIT_ARCH_I386}, uint32_t{AUDIT_ARCH_ARM}, 0u})
      cr_expect_eq(run(filter, foreign, call, none), SECCOMP_RET_KILL_PROCESS);
#if defined(__x86_64__)
    cr_expect_eq(run(filter, native_architecture, call | 0x40000000, none),
                 SECCOMP_RET_KILL_PROCESS, "x32");
#endif
    // The first three arguments, then the last three that a table looks at.
    for (const uint64_t first : interesting(table, call, 0))
      for (const uint64_t second : interesting(table, call, 1))
        for (const uint64_t third : interesting(table, call, 2)) {
          const Arguments arguments{first, second, third, MAP_PRIVATE | MAP_ANONYMOUS};
          cr_assert_eq(run(filter, native_architecture, call, arguments),
                       verdict(table, call, arguments), "%d(%lx, %lx, %lx)", call, first, second,
                       third);
        }
    for (const uint64_t third : interesting(table, call, 2))
      for (const uint64_t fourth : interesting(table, call, 3))
        for (const uint64_t fifth : interesting(table, call, 4)) {
          const Arguments arguments{facts.arena_begin, 0, third, fourth, fifth};
          cr_assert_eq(run(filter, native_architecture, call, arguments),
                       verdict(table, call, arguments), "%d(…, %lx, %lx, %lx)", call, third, fourth,
                       fifth);
        }
  }
}

std::set<std::string> allowed_by(const CallTable &table) {
  std::set<std::string> names;
  for (const CallRow &row : table)
    if (row.refusal == 0)
      names.emplace(row.name);
  return names;
}

// A worker in a sandbox, which calls `act`. How it ended; nothing: it came back from `act`.
struct Confined {
  explicit Confined() {
    void *memory = ::mmap(nullptr, 2 * sizeof(WorkerPage), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(memory, MAP_FAILED);
    page = new (memory) WorkerPage;
    came_back = reinterpret_cast<std::atomic<bool> *>(page + 1);
    arena = ::mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(arena, MAP_FAILED);
  }

  int run(const std::function<void(Confined &)> &act) {
    came_back->store(false);
    page->death_reason.store(DeathReason::none);
    const pid_t pid = ::fork();
    if (pid == 0) {
      auto prepared = Sandbox::prepare(reinterpret_cast<uintptr_t>(arena), options);
      Sandbox &sandbox = *prepared;
      process_globals.page = page;
      if (!sandbox.confine() || !sandbox.apply({}))
        _exit(99);
      act(*this);
      came_back->store(true);
      _exit(0);
    }
    int status = -1;
    ::waitpid(pid, &status, 0);
    return status;
  }

  int run_as_zygote(const std::function<void()> &act) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      auto prepared = Sandbox::prepare(reinterpret_cast<uintptr_t>(arena), options);
      Sandbox &sandbox = *prepared;
      if (!sandbox.confine())
        _exit(99);
      act();
      _exit(0);
    }
    int status = -1;
    ::waitpid(pid, &status, 0);
    return status;
  }

  Sandbox::Options options;
  WorkerPage *page;
  std::atomic<bool> *came_back;
  void *arena;
};

// uretprobe and uprobe of x86-64: from 6.12 on the kernel lets them pass every filter. They do
// nothing but where the kernel itself has put them into a program that is traced.
constexpr int unfiltered[] = {335, 336};

bool ended_by_signal(int status) { return WIFSIGNALED(status); }

} // namespace

Test(sandbox, a_worker_may_make_20_system_calls_and_these_are_they) {
  std::set<std::string> expected{
      "brk",    "clock_gettime",  "exit_group",  "futex",        "getrandom",
      "ioctl",  "getrusage",      "madvise",     "mmap",         "mprotect",
      "munmap", "ppoll",          "pread64",     "recvfrom",     "restart_syscall",
      "write",  "rt_sigprocmask", "sched_yield", "rt_sigreturn", "timer_settime"};
  cr_assert_eq(expected.size(), 20);
  cr_expect(allowed_by(worker_table(false)) == expected);
  expected.erase("mprotect");
  expected.insert("pkey_mprotect");
  cr_expect(allowed_by(worker_table(true)) == expected);
}

Test(sandbox, each_row_of_its_tables_has_a_reason) {
  for (const CallTable &table : {worker_table(true), worker_table(false), zygote_table()})
    for (const CallRow &row : table)
      cr_expect(!row.reason.empty(), "%s", row.name.data());
}

Test(sandbox, the_filter_does_what_its_table_says_for_every_call_and_architecture) {
  expect_same(worker_table(true));
  expect_same(worker_table(false));
  expect_same(debugging_table());
  expect_same(zygote_table());
  expect_same(without_code(zygote_table()));
}

Test(sandbox, where_no_code_is_made_nothing_becomes_executable_by_any_call) {
  for (const CallTable &table :
       {worker_table(false), worker_table(true), debugging_table(), zygote_table()}) {
    const auto filter = make_filter(without_code(table), facts, Violation::signal);
    for (const int call : {SYS_mmap, SYS_mprotect, SYS_pkey_mprotect}) {
      const auto verdict_of = [&](uint64_t protection) {
        return run(filter, native_architecture, call,
                   {facts.arena_begin, 4096, protection,
                    call == SYS_mmap ? uint64_t{MAP_PRIVATE | MAP_ANONYMOUS} : 0});
      };
      for (const uint64_t protection : {PROT_EXEC, PROT_READ | PROT_EXEC, PROT_WRITE | PROT_EXEC})
        cr_expect_eq(verdict_of(protection), failed, "%d", call);
      const bool is_there =
          std::ranges::any_of(table, [call](const CallRow &row) { return row.number == call; });
      cr_expect_eq(verdict_of(PROT_READ | PROT_WRITE), is_there ? SECCOMP_RET_ALLOW : failed, "%d",
                   call);
    }
  }
}

// By hand, what the table means.
Test(sandbox, arguments_decide) {
  const auto filter = make_filter(worker_table(false), facts, Violation::signal);
  const auto expect = [&](uint32_t wanted, int call, const Arguments &arguments) {
    cr_expect_eq(run(filter, native_architecture, call, arguments), wanted,
                 "%d(%lx, %lx, %lx, %lx)", call, arguments[0], arguments[1], arguments[2],
                 arguments[3]);
  };
  constexpr uint32_t allowed = SECCOMP_RET_ALLOW;
  const uint64_t arena = facts.arena_begin, rw = PROT_READ | PROT_WRITE;
  expect(allowed, SYS_mmap, {0, 4096, rw, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE});
  expect(failed, SYS_mmap, {0, 4096, rw, MAP_SHARED | MAP_ANONYMOUS});
  expect(failed, SYS_mmap, {0, 4096, rw, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN});
  constexpr uint64_t over_layer = MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE;
  expect(allowed, SYS_mmap, {arena, 4096, rw, over_layer});
  expect(allowed, SYS_mmap, {facts.program_end, 4096, rw, over_layer | MAP_ANONYMOUS});
  expect(failed, SYS_mmap, {facts.program_end - 4096, 4096, rw, over_layer});
  expect(failed, SYS_mmap, {arena, 4096, PROT_READ | PROT_EXEC, over_layer});
  expect(failed, SYS_mmap, {arena, 4096, rw, MAP_SHARED | MAP_FIXED | MAP_NORESERVE});
  expect(failed, SYS_mmap, {0, 4096, rw | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS});
  expect(allowed, SYS_mprotect, {arena, 4096, rw | PROT_EXEC});
  expect(failed, SYS_mprotect, {arena - 4096, 4096, rw});
  expect(failed, SYS_mprotect, {arena, 4096, PROT_READ | PROT_GROWSDOWN});
  expect(allowed, SYS_madvise, {arena, 4096, MADV_DONTNEED});
  for (const int advice : {MADV_REMOVE, MADV_MERGEABLE, MADV_PAGEOUT, 25, 100, 101})
    expect(failed, SYS_madvise, {arena, 4096, static_cast<uint64_t>(advice)});
  expect(allowed, SYS_futex, {arena, FUTEX_WAKE_PRIVATE});
  expect(failed, SYS_futex, {arena, FUTEX_WAKE});
  expect(failed, SYS_futex, {arena, FUTEX_LOCK_PI_PRIVATE});
  expect(allowed, SYS_clock_gettime, {CLOCK_PROCESS_CPUTIME_ID});
  expect(failed, SYS_clock_gettime, {static_cast<uint64_t>(-8 * 1234 + 2)}); // another process's
  expect(failed, SYS_ioctl, {3, 0x5401});
  for (const int call :
       {SYS_close, SYS_timer_create, SYS_sigaltstack, SYS_nanosleep, SYS_read, SYS_mincore,
        SYS_socket, SYS_sendto, SYS_sendmsg, SYS_recvmsg, SYS_kill, SYS_ptrace, SYS_execve,
        SYS_clone, SYS_process_vm_writev, SYS_prctl, SYS_io_uring_setup})
    expect(failed, call, {});
  for (const int call : {SYS_openat, SYS_rt_sigaction, SYS_getpid, SYS_tgkill})
    expect(SECCOMP_RET_ERRNO | EACCES, call, {});
}

// The zygote's filter holds for its workers, too: it must not be in the way of theirs.
Test(sandbox, a_zygotes_filter_leaves_its_workers_what_they_need) {
  const auto zygote = make_filter(zygote_table(), facts, Violation::signal);
  for (const CallTable &table : {worker_table(false), worker_table(true), debugging_table()})
    for (const CallRow &row : table) {
      const int call = row.number;
      for (const uint64_t first : interesting(table, call, 0))
        for (const uint64_t second : interesting(table, call, 1))
          for (const uint64_t third : interesting(table, call, 2))
            for (const uint64_t fourth :
                 std::set<uint64_t>{0, MAP_PRIVATE | MAP_ANONYMOUS, MAP_PRIVATE | MAP_STACK}) {
              const Arguments arguments{first, second, third, fourth};
              const uint32_t workers = verdict(table, call, arguments);
              const uint32_t zygotes = run(zygote, native_architecture, call, arguments);
              // Of two filters the stricter verdict counts, which is the smaller number.
              if (workers != failed && call != SYS_tgkill)
                cr_assert_geq(zygotes, workers, "%s(%lx, %lx, %lx, %lx)", row.name.data(), first,
                              second, third, fourth);
            }
    }
}

Test(sandbox, a_zygote_can_do_nothing_to_others) {
  const auto filter = make_filter(zygote_table(), facts, Violation::signal);
  const auto expect = [&](uint32_t wanted, int call, const Arguments &arguments) {
    cr_expect_eq(run(filter, native_architecture, call, arguments), wanted, "%d(%lx, %lx, %lx)",
                 call, arguments[0], arguments[1], arguments[2]);
  };
  for (const int call : {SYS_socket,
                         SYS_connect,
                         SYS_bind,
                         SYS_kill,
                         SYS_tkill,
                         SYS_ptrace,
                         SYS_process_vm_readv,
                         SYS_process_vm_writev,
                         SYS_pidfd_send_signal,
                         SYS_pidfd_getfd,
                         SYS_execve,
                         SYS_execveat,
                         SYS_unshare,
                         SYS_setns,
                         SYS_mount,
                         SYS_chroot,
                         SYS_unlinkat,
                         SYS_renameat2,
                         SYS_mkdirat,
                         SYS_truncate,
                         SYS_fchmodat,
                         SYS_capset,
                         SYS_setresuid,
                         SYS_bpf,
                         SYS_userfaultfd,
                         SYS_perf_event_open,
                         SYS_io_uring_setup,
                         SYS_keyctl})
    expect(failed, call, {});
  expect(SECCOMP_RET_ALLOW, SYS_clone, {CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD});
  for (const uint64_t flag : {CLONE_NEWUSER, CLONE_NEWNET, CLONE_NEWPID, CLONE_VM, CLONE_PARENT})
    expect(failed, SYS_clone, {CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD | flag});
  expect(SECCOMP_RET_ALLOW, SYS_openat, {0, 0, O_RDONLY | O_CLOEXEC});
  for (const uint64_t flag : {O_WRONLY, O_RDWR, O_CREAT, O_TMPFILE, O_TRUNC, O_PATH})
    expect(SECCOMP_RET_ERRNO | EACCES, SYS_openat, {0, 0, flag});
  expect(failed, SYS_socketpair, {AF_INET});
  expect(failed, SYS_prlimit64, {1234});
  expect(SECCOMP_RET_ERRNO | EACCES, SYS_rt_sigaction, {SIGSYS});
  expect(SECCOMP_RET_ERRNO | EACCES, SYS_tgkill, {1, 1, SIGKILL});
  expect(failed, SYS_prctl, {PR_SET_SECCOMP});
}

// As the kernel has it, with all layers.
Test(sandbox, a_closed_zygote_reads_proc_and_forks_and_that_is_all) {
  Confined zygote;
  const auto run_closed = [&](const std::function<bool()> &succeeds) {
    return zygote.run_as_zygote([&succeeds] {
      if (!succeeds())
        __builtin_trap();
    });
  };
  cr_expect_eq(run_closed([] { return static_cast<bool>(open_own("maps")); }), 0);
  cr_expect_eq(run_closed([] { return static_cast<bool>(open_own("pagemap")); }), 0);
  cr_expect_eq(run_closed([] {
                 const pid_t child = ::fork();
                 if (child == 0)
                   _exit(open_own("pagemap") ? 5 : 6);
                 int status = 0;
                 return ::waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 5;
               }),
               0);
  cr_expect_eq(run_closed([] { return ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0; }), 0);
  cr_expect_eq(run_closed([] { return ::open("/tmp/x", O_CREAT | O_WRONLY, 0600) < 0; }), 0);
  if (Landlock::make("").layer("").state == Layer::State::in_force)
    cr_expect_eq(run_closed([] { return ::open("/etc/passwd", O_RDONLY) < 0; }), 0);
  for (const auto &act : std::initializer_list<std::function<void()>>{
           [] { ::socket(AF_UNIX, SOCK_STREAM, 0); }, [] { ::kill(::getppid(), 0); },
           [] { ::execl("/bin/true", "true", nullptr); }, [] { ::unlink("/tmp/x"); }})
    cr_expect_eq(WTERMSIG(run_closed([&act] {
                   act();
                   return true;
                 })),
                 SIGSYS);
}

Test(sandbox, every_call_that_is_not_in_the_table_ends_the_worker, .timeout = 60) {
  const CallTable table = worker_table(has_protection_keys());
  Confined worker;
  for (int call = 0; call < 480; ++call) {
    if (std::ranges::any_of(table, [call](const CallRow &row) { return row.number == call; }) ||
        std::ranges::count(unfiltered, call) > 0)
      continue;
    const int status = worker.run([call](Confined &) { ::syscall(call, 0, 0, 0, 0, 0, 0); });
    cr_expect(ended_by_signal(status) && !*worker.came_back, "%d: %x", call, status);
    cr_expect_eq(worker.page->death_reason.load(), DeathReason::sandbox_violation, "%d", call);
    cr_expect_eq(worker.page->death_detail.load(), static_cast<uint32_t>(call));
  }
}

Test(sandbox, nothing_that_a_worker_may_do_saves_it_after_a_forbidden_call) {
  const auto forbidden = [] { ::syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0); };
  struct Attempt {
    const char *name;
    std::function<void(Confined &)> act;
  };
  const Attempt attempts[] = {
    {"another handler",
     [&](Confined &) {
       struct sigaction action {};
       action.sa_handler = [](int) {};
       if (::sigaction(SIGSYS, &action, nullptr) == 0)
         forbidden();
       ::signal(SIGSYS, SIG_IGN);
       forbidden();
     }},
    {"a blocked signal",
     [&](Confined &) {
       sigset_t all;
       sigfillset(&all);
       ::sigprocmask(SIG_SETMASK, &all, nullptr);
       forbidden();
     }},
    {"no page to tell",
     [&](Confined &) {
       process_globals.page = nullptr;
       forbidden();
     }},
    {"program code that can be written",
     [&](Confined &) {
       const auto code = reinterpret_cast<uintptr_t>(&run_filter) & ~uintptr_t{4095};
       ::syscall(has_protection_keys() ? SYS_pkey_mprotect : SYS_mprotect, code, 4096,
                 PROT_READ | PROT_WRITE | PROT_EXEC, 0);
     }},
    {"other program code",
     [&](Confined &) {
       const auto code = reinterpret_cast<uintptr_t>(&run_filter) & ~uintptr_t{4095};
       [[maybe_unused]] const void *mapped =
           ::mmap(reinterpret_cast<void *>(code), 4096, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
     }},
#if defined(__x86_64__)
    {"the ABI of 32 bits", [](Confined &) { asm volatile("int $0x80"
                                                         :
                                                         : "a"(1), "b"(0)); }},
#endif
  };
  Confined worker;
  for (const Attempt &attempt : attempts) {
    const int status = worker.run(attempt.act);
    cr_expect(ended_by_signal(status) && !*worker.came_back, "%s: %x", attempt.name, status);
  }
}

// The new memory is the arena's: V8's code may come to lie there.
Test(sandbox, what_a_worker_needs_it_may_do) {
  Confined worker;
  const int status = worker.run([](Confined &self) {
    ::syscall(has_protection_keys() ? SYS_pkey_mprotect : SYS_mprotect, self.arena, 4096,
              PROT_READ | PROT_WRITE | PROT_EXEC, 0);
    ::madvise(self.arena, 4096, MADV_DONTNEED);
    if (::open("/etc/passwd", O_RDONLY) >= 0 || errno != EACCES)
      __builtin_trap();
  });
  cr_expect_eq(status, 0);
  cr_expect(*worker.came_back);
}

Test(sandbox, where_no_code_is_made_a_worker_that_wants_executable_memory_ends) {
  Confined worker;
  worker.options.makes_code = false;
  const int status = worker.run([](Confined &self) {
    ::syscall(has_protection_keys() ? SYS_pkey_mprotect : SYS_mprotect, self.arena, 4096,
              PROT_READ | PROT_EXEC, 0);
  });
  cr_expect(ended_by_signal(status) && !*worker.came_back, "%x", status);
  cr_expect_eq(worker.page->death_reason.load(), DeathReason::sandbox_violation);
  cr_expect_eq(worker.run([](Confined &self) {
    ::syscall(has_protection_keys() ? SYS_pkey_mprotect : SYS_mprotect, self.arena, 4096,
              PROT_READ | PROT_WRITE, 0);
  }),
               0);
}

// As by a failed check of the C library: the signal tells, not the sandbox.
Test(sandbox, abort_is_no_violation) {
  Confined worker;
  const int status = worker.run([](Confined &) { ::abort(); });
  cr_expect(ended_by_signal(status), "%x", status);
  cr_expect_eq(worker.page->death_reason.load(), DeathReason::none);
}
