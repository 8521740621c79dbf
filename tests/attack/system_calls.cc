// SPDX-License-Identifier: Apache-2.0
// Native code in a worker makes no system call that leads out of it: what libraries try is refused,
// anything else ends the process, and its client hears which call it was.
#include "tests/attack/attacker.h"

#include <cerrno>
#include <criterion/criterion.h>
#include <csignal>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

using namespace lethe::test;

TestSuite(system_calls, .timeout = 60);

namespace {

// The arguments are JavaScript.
struct Call {
  long number;
  std::string arguments{};
};

std::string made(const Call &call) {
  return "attack.syscall(" + std::to_string(call.number) +
         (call.arguments.empty() ? "" : ", " + call.arguments) + ")";
}

// "name\0", as memory.
std::string text(const std::string &name) { return "new TextEncoder().encode('" + name + "\\0')"; }

void each_is_a_violation(const std::vector<Call> &calls,
                         const std::vector<std::string> &settings = {}) {
  Attack attack(settings);
  for (const Call &call : calls)
    expect_members(attack.error("return " + made(call) + ";"),
                   {{"code", "sandbox_violation"}, {"syscall", call.number}});
  attack.expect_over();
}

void each_is_refused(const std::vector<Call> &calls, int error) {
  Attack attack({"pool.default.isolation=process"});
  for (const Call &call : calls)
    expect_equal(attack.result("return " + made(call) + ";"), -error);
  attack.expect_over();
}

std::string numbers(std::initializer_list<long> values) {
  std::string all;
  for (const long value : values)
    all += (all.empty() ? "" : ", ") + std::to_string(value);
  return all;
}

} // namespace

Test(system_calls, no_file_is_opened) {
  const std::string own = text("/proc/self/mem"), others = text("/proc/1/mem"),
                    relative = numbers({AT_FDCWD});
  each_is_refused(
      {
          {SYS_openat, relative + ", " + others + ", 2"},
          {SYS_openat, relative + ", " + own + ", 2"},
          {SYS_openat, relative + ", " + text("/etc/passwd") + ", 0"},
          {SYS_openat, relative + ", " + text("/dev/shm/x") + ", 65, 0o600"},
          {SYS_newfstatat, relative + ", " + others + ", new Uint8Array(256), 0"},
          {SYS_faccessat, relative + ", " + others + ", 0"},
          {SYS_readlinkat, relative + ", " + text("/proc/1/exe") + ", new Uint8Array(99), 99"},
#ifdef SYS_open
          {SYS_open, others + ", 2"},
          {SYS_stat, others + ", new Uint8Array(256)"},
          {SYS_access, others + ", 0"},
          {SYS_readlink, text("/proc/1/exe") + ", new Uint8Array(99), 99"},
#endif
      },
      EACCES);
}

Test(system_calls, no_other_way_to_a_file) {
  each_is_a_violation(
      {{SYS_openat2, numbers({AT_FDCWD}) + ", " + text("/proc/1/mem") + ", new Uint8Array(24), 24"},
       {SYS_name_to_handle_at},
       {SYS_open_by_handle_at},
       {SYS_memfd_create, text("x") + ", 0"},
       {SYS_io_uring_setup, "1, new Uint8Array(120)"},
       {SYS_io_uring_enter},
       {SYS_mkdirat, numbers({AT_FDCWD}) + ", " + text("/tmp/x") + ", 511"},
       {SYS_unlinkat, numbers({AT_FDCWD}) + ", " + text("/tmp/x") + ", 0"},
       {SYS_renameat2},
       {SYS_linkat},
       {SYS_symlinkat},
       {SYS_statx},
       {SYS_getdents64},
       {SYS_chdir, text("/")},
       {SYS_chroot, text("/")},
       {SYS_mount},
       {SYS_pivot_root},
       {SYS_fsopen},
       {SYS_inotify_init1},
       {SYS_fanotify_init}});
}

Test(system_calls, no_socket_is_made_or_connected) {
  each_is_a_violation({{SYS_socket, numbers({AF_UNIX, SOCK_STREAM, 0})},
                       {SYS_socket, numbers({AF_INET, SOCK_STREAM, 0})},
                       {SYS_socket, numbers({AF_NETLINK, SOCK_RAW, 0})},
                       {SYS_socketpair, numbers({AF_UNIX, SOCK_STREAM, 0}) + ", new Uint8Array(8)"},
                       {SYS_connect, "channel, new Uint8Array(110), 110"},
                       {SYS_bind, "channel, new Uint8Array(110), 110"},
                       {SYS_listen, "channel, 1"},
                       {SYS_accept4, "channel, 0, 0, 0"},
                       {SYS_getpeername},
                       {SYS_setsockopt, "channel, 1, 1, new Uint8Array(4), 4"},
                       {SYS_sendto, "channel, new Uint8Array(1), 1, 0, new Uint8Array(110), 110"},
                       {SYS_sendto, "channel, new Uint8Array(1), 1, 0, 0, 0"}});
}

Test(system_calls, no_descriptor_is_sent_taken_or_copied) {
  each_is_a_violation({{SYS_sendmsg, "channel, new Uint8Array(56), 0"},
                       {SYS_sendmmsg, "channel, new Uint8Array(64), 1, 0"},
                       {SYS_recvmsg, "channel, new Uint8Array(56), 0"},
                       {SYS_recvmmsg, "channel, new Uint8Array(64), 1, 0, 0"},
                       {SYS_dup, "channel"},
                       {SYS_dup3, "channel, 9, 0"},
                       {SYS_fcntl, "channel, 0, 0"},
                       {SYS_pidfd_getfd, "3, 0, 0"},
                       {SYS_pipe2, "new Uint8Array(8), 0"},
                       {SYS_eventfd2, "0, 0"},
                       {SYS_epoll_create1, "0"},
                       {SYS_signalfd4},
                       {SYS_timerfd_create, "1, 0"},
                       {SYS_userfaultfd, "0"},
                       {SYS_splice},
                       {SYS_sendfile}});
}

// With its socket a worker could leave the master without an end to it.
Test(system_calls, its_socket_is_neither_closed_nor_shut) {
  each_is_a_violation({{SYS_close, "channel"},
                       {SYS_close_range, "channel, channel, 0"},
                       {SYS_shutdown, "channel, 2"}});
}

Test(system_calls, no_process_or_thread_begins) {
  each_is_a_violation({
#ifdef SYS_fork
      {SYS_fork},
      {SYS_vfork},
#endif
      {SYS_clone, std::to_string(SIGCHLD)},
      {SYS_clone, numbers({CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD})},
      {SYS_clone, numbers({CLONE_NEWUSER | SIGCHLD})},
      {SYS_clone3, "new Uint8Array(88), 88"},
      {SYS_execve, text("/bin/sh") + ", 0, 0"},
      {SYS_execveat, numbers({AT_FDCWD}) + ", " + text("/bin/sh") + ", 0, 0, 0"},
      {SYS_unshare, numbers({CLONE_NEWUSER})},
      {SYS_setns, "0, 0"},
      {SYS_wait4, "-1, 0, 0, 0"},
      {SYS_waitid}});
}

Test(system_calls, no_other_process_is_touched) {
  each_is_refused({{SYS_tgkill, numbers({getppid(), getppid(), SIGKILL})}}, EACCES);
  each_is_a_violation(
      {{SYS_kill, numbers({getpid(), SIGKILL})},
       {SYS_kill, "-1, 9"},
       {SYS_kill, "pid, 0"},
       {SYS_tkill, numbers({getpid(), SIGKILL})},
       {SYS_rt_sigqueueinfo},
       {SYS_rt_tgsigqueueinfo},
       {SYS_pidfd_open, numbers({getpid(), 0})},
       {SYS_pidfd_send_signal},
       {SYS_ptrace, numbers({16, getpid(), 0, 0})},
       {SYS_process_vm_readv, numbers({getpid()})},
       {SYS_process_vm_writev, numbers({getpid()})},
       {SYS_process_madvise},
       {SYS_kcmp},
       {SYS_prlimit64, numbers({getpid()})},
       {SYS_setpriority, "0, 0, 19"},
       {SYS_sched_setscheduler},
       {SYS_sched_setaffinity},
       {SYS_ioprio_set},
       {SYS_move_pages},
       {SYS_migrate_pages},
       {SYS_get_robust_list},
       // the CPU time of another process
       {SYS_clock_gettime, numbers({(~long{getpid()} << 3) | 2}) + ", new Uint8Array(16)"}});
}

Test(system_calls, no_memory_is_shared_executable_or_below_the_arena) {
  constexpr long both = PROT_READ | PROT_WRITE, anonymous = MAP_ANONYMOUS;
  const std::string program = "code - code % 4096, 4096, ";
  Attack attack;
  const json error = attack.error("return attack.syscall(" + std::to_string(SYS_mprotect) + ", " +
                                  program + "7) + attack.syscall(" +
                                  std::to_string(SYS_pkey_mprotect) + ", " + program + "7, 0);");
  expect_equal(error["code"], "sandbox_violation");
  attack.expect_over();
  each_is_a_violation(
      {{SYS_mmap, numbers({0, 4096, both, MAP_SHARED | anonymous, -1, 0})},
       {SYS_mmap, numbers({0, 4096, both | PROT_EXEC, MAP_PRIVATE | anonymous, -1, 0})},
       {SYS_mmap, numbers({0, 4096, both, MAP_PRIVATE | anonymous | MAP_GROWSDOWN, -1, 0})},
       {SYS_mmap, numbers({0, 4096, both, MAP_PRIVATE | anonymous | MAP_LOCKED, -1, 0})},
       {SYS_mmap, numbers({0, 4096, PROT_READ, MAP_PRIVATE, 0, 0})},
       {SYS_mmap,
        "code - code % 4096, " + numbers({4096, both, MAP_PRIVATE | anonymous | MAP_FIXED, -1, 0})},
       {SYS_shmget, "0, 4096, 0o1600"},
       {SYS_shmat},
       {SYS_remap_file_pages},
       {SYS_pkey_alloc},
       {SYS_mlock, "stack, 4096"},
       {SYS_mlockall, "1"},
       {SYS_madvise, "mark - mark % 4096, 4096, 14"},
       {SYS_futex, "mark, " + numbers({FUTEX_LOCK_PI}) + ", 0, 0, 0, 0"},
       {SYS_futex, "mark, " + numbers({FUTEX_WAKE}) + ", 1, 0, 0, 0"}});
}

Test(system_calls, no_timer_is_made) {
  each_is_a_violation({{SYS_timer_create, "1, 0, new Uint8Array(4)"},
                       {SYS_timer_delete, "0"},
                       {SYS_setitimer, "0, new Uint8Array(32), 0"},
#ifdef SYS_alarm
                       {SYS_alarm, "1"},
#endif
                       {SYS_clock_nanosleep, "1, 0, new Uint8Array(16), 0"}});
}

Test(system_calls, no_privilege_is_asked_for) {
  each_is_a_violation({{SYS_setuid, "0"},
                       {SYS_setresuid, "0, 0, 0"},
                       {SYS_setgroups, "0, 0"},
                       {SYS_capset},
                       {SYS_prctl, numbers({PR_SET_DUMPABLE, 1})},
                       {SYS_prctl, numbers({PR_SET_PDEATHSIG, 0})},
                       {SYS_seccomp, "0, 0, 0"},
                       {SYS_landlock_create_ruleset},
                       {SYS_bpf, "0, new Uint8Array(128), 128"},
                       {SYS_perf_event_open},
                       {SYS_keyctl},
                       {SYS_add_key},
                       {SYS_init_module},
                       {SYS_kexec_load},
                       {SYS_reboot},
                       {SYS_swapon},
                       {SYS_settimeofday, "new Uint8Array(16), 0"},
                       {SYS_clock_settime},
                       {SYS_personality, "0x0400000"},
                       {SYS_syslog},
                       {SYS_quotactl},
                       // to the terminal, as if it had been typed
                       {SYS_ioctl, "2, 0x5412, new Uint8Array(1)"}});
}

// A program of 32 bits, or of x32, has other numbers for the same calls.
Test(system_calls, no_call_of_another_abi) {
#if defined(__x86_64__)
  Attack attack;
  expect_members(attack.error("return attack.syscall(0x40000000 + 39);"),
                 {{"code", "sandbox_violation"}});
  // A kernel without those programs knows no such call: it ends the process as well.
  const json error = attack.error("return attack.oldSyscall(20);");
  expect(error["code"] == "sandbox_violation" || error.value("signal", 0) == SIGSEGV, shown(error));
  attack.expect_over();
#endif
}

Test(system_calls, the_end_of_a_violation_is_not_evaded) {
  const std::string forbidden = made({SYS_openat2});
  each_is_refused({{SYS_rt_sigaction, numbers({SIGSYS}) + ", new Uint8Array(32), 0, 8"}}, EACCES);
  Attack attack;
  // The kernel ends who blocks the signal; then nobody is left to tell the number.
  expect_members(attack.error("deafen(); " + forbidden + "; return 1;"),
                 {{"code", "sandbox_violation"}});
  // Nor is anything to be had by a stack that ends.
  expect_equal(
      attack.error("attack.syscall(" + std::to_string(SYS_sigaltstack) + ", 0, 0);")["code"],
      "sandbox_violation");
  attack.expect_over();
}

Test(system_calls, it_is_the_same_under_each_isolation) {
  for (const char *isolation : {"process", "reuse"})
    each_is_a_violation({{SYS_socket, numbers({AF_UNIX, SOCK_STREAM, 0})},
                         {SYS_clone3, "new Uint8Array(88), 88"},
                         {SYS_ptrace},
                         {SYS_close, "channel"}},
                        {"pool.default.isolation=" + std::string(isolation)});
}

// The hook is in the program that these tests start, and in none that is delivered.
Test(system_calls, no_delivered_program_has_native_code_for_scripts) {
  const std::string sign = "lethe-attack-hook";
  expect_contains(read_file(hostile_programs() + "/lethe-zygote"), sign);
  for (const char *name : {"lethed", "lethe-zygote", "lethe-snapshot", "lethe"})
    expect(read_file(program(name)).find(sign) == std::string::npos, name);
  const auto symbols = [](const std::string &path) {
    return run({.words = {"nm", "--demangle", path}}).output;
  };
  expect_contains(symbols(hostile_programs() + "/lethe-zygote"), "RegisterExtension");
  expect(symbols(program("lethe-zygote")).find("RegisterExtension") == std::string::npos,
         "a delivered program registers an extension");
  Daemon daemon;
  expect_equal(daemon.connect().eval("typeof attack"), "undefined");
}
