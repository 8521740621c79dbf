// SPDX-License-Identifier: Apache-2.0
// What closes a worker; which system calls it may make is in sandbox_rules.h.
#include "daemon/worker/sandbox.h"
#include "daemon/engine/globals.h"
#include "daemon/engine/memory/pages.h"
#include "daemon/worker/memory/fault_point.h"
#include "daemon/worker/sandbox_rules.h"

#include <algorithm>
#include <csignal>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace lethe {
namespace {

// By itself, not by the C library: see on_violation().
[[gnu::always_inline]] inline void system_call(long number, long first, long second, long third) {
#if defined(__x86_64__)
  asm volatile("syscall"
               : "+a"(number)
               : "D"(first), "S"(second), "d"(third)
               : "rcx", "r11", "memory");
#else
  register long x0 asm("x0") = first, x1 asm("x1") = second, x2 asm("x2") = third;
  register long x8 asm("x8") = number;
  asm volatile("svc 0" : "+r"(x0) : "r"(x1), "r"(x2), "r"(x8) : "memory");
#endif
}

// A zygote's; a worker's number is on its page.
[[gnu::always_inline]] inline void write_number(uint32_t number) {
  char text[] = "lethe: forbidden system call     0\n";
  for (char *digit = text + sizeof text - 3; number > 0 && *digit != 'l'; number /= 10)
    *digit-- = static_cast<char>('0' + number % 10);
  system_call(SYS_write, STDERR_FILENO, reinterpret_cast<long>(text), sizeof text - 1);
}

// A violation is a signal (SECCOMP_RET_TRAP) rather than the end at once (SECCOMP_RET_KILL_PROCESS),
// as only so the number of the call is known, which the client's error tells. That is no weaker:
// the call is not made, and this handler is the end. It can't be replaced (rt_sigaction is refused),
// nor switched off (where SIGSYS is blocked the kernel ends the process), nor overwritten: program
// code lies below the arena, where a worker can change no page's protection, and can map nothing over it.
// For the same reason it calls nothing, as the C library lies above. What it writes, native code
// could write as well.
void on_violation(int, siginfo_t *info, void *) {
  const auto number = static_cast<uint32_t>(info->si_syscall);
  if (WorkerPage *page = process_globals.page) {
    page->death_detail.store(number);
    page->death_reason.store(DeathReason::sandbox_violation);
  } else {
    write_number(number);
  }
  // SIGSYS is blocked in here: another violation is the end, by that signal.
  system_call(SYS_ptrace, 0, 0, 0);
  __builtin_trap();
}

// Below the arena, where worker_rows lets no protection be changed? Not so in the address space of
// `ulimit -s unlimited`, which is filled from below: there the number is not told.
Violation best_violation(uintptr_t arena_begin) {
  return reinterpret_cast<uintptr_t>(&on_violation) < arena_begin ? Violation::signal
                                                                  : Violation::end;
}

// Also where the filter does not hold, for a defect in it or in the kernel. The limits on processor
// time and memory are others' (Interrupts, MemoryLimits), the one on cores main's.
struct Limit {
  decltype(RLIMIT_NOFILE) resource;
  rlim_t most;
  bool holds_with_threads;
  const char *name;
};
constexpr Limit limits[] = {
    {RLIMIT_NOFILE, 16, true, "limit on open files"},
    {RLIMIT_FSIZE, 0, true, "limit on file sizes"}, // what it writes to is a socket and pipes
    {RLIMIT_NPROC, 0, false, "limit on processes"},
    // None on pending signals: beyond it the kernel delivers the master's without its value, which says
    // which request it is for. Nothing here may queue one, or make a timer.
};

void install_handler() {
  struct sigaction action {};
  action.sa_flags = SA_SIGINFO;
  sigfillset(&action.sa_mask);
  action.sa_sigaction = on_violation;
  sigaction(SIGSYS, &action, nullptr);
}

} // namespace

// Where one of the filters of a process ends it at once, another one's signal is not heard.
std::vector<sock_filter> Sandbox::filter_of(const CallTable &table) const {
  const CallFacts facts{.arena_begin = arena_begin_,
                        .program_end = program_end(arena_begin_),
                        .own_pid = static_cast<uint64_t>(::getpid())};
  return make_filter(options_.makes_code ? table : without_code(table), facts,
                     best_violation(arena_begin_));
}

Result<Sandbox> Sandbox::prepare(uintptr_t arena_begin, const Options &options) {
  Sandbox sandbox;
  sandbox.arena_begin_ = arena_begin;
  sandbox.options_ = options;
  sandbox.filter_ = sandbox.filter_of(worker_table(has_protection_keys()));
  sandbox.landlock_ = Landlock::make("");
  if (sandbox.landlock_.layer("landlock").state == Layer::State::failed)
    return Error(ErrorCode::internal, system_message("sandbox: landlock_create_ruleset"));
  install_handler();
  return sandbox;
}

bool Sandbox::confine() {
  layers_ = lethe::confine("/proc", options_.limits_speculation);
  if (fault_point("sandbox.layer"))
    layers_.back() = {"zygote_landlock", Layer::State::failed, "it is a test"};
  const auto installed = install_filter(filter_of(zygote_table()));
  layers_.push_back(installed
                        ? Layer{"zygote_seccomp", Layer::State::in_force}
                        : Layer{"zygote_seccomp", Layer::State::failed, installed.error().message});
  // A worker whose own ones do not come up ends.
  layers_.push_back({"seccomp", Layer::State::in_force});
  if (!options_.makes_code) // what the filters then forbid
    layers_.push_back(
        {"no_executable_memory", installed ? Layer::State::in_force : Layer::State::failed});
  layers_.push_back(landlock_.layer("landlock"));
  return std::ranges::none_of(
      layers_, [](const Layer &layer) { return layer.state == Layer::State::failed; });
}

Result<Nothing> Sandbox::apply_for_profiler(const std::vector<int> &kept) {
  filter_ = filter_of(debugging_table());
  has_threads_ = true;
  return apply(kept);
}

Result<Nothing> close_all_but(std::vector<int> kept) {
  std::ranges::sort(kept);
  auto first = static_cast<unsigned>(STDERR_FILENO + 1);
  for (const int descriptor : kept) {
    const auto number = static_cast<unsigned>(descriptor);
    if (first < number && ::close_range(first, number - 1, 0) < 0)
      return Error(ErrorCode::internal, system_message("close_range"));
    first = number + 1;
  }
  if (::close_range(first, ~0u, 0) < 0)
    return Error(ErrorCode::internal, system_message("close_range"));
  return Nothing{};
}

Result<Nothing> Sandbox::apply(const std::vector<int> &kept) const {
  const auto failed = [](const char *step) {
    return Error(ErrorCode::internal, system_message(std::string("sandbox: ") + step));
  };
  for (const Limit &limit : limits)
    if (const rlimit value{limit.most, limit.most};
        (limit.holds_with_threads || !has_threads_) && ::setrlimit(limit.resource, &value) < 0)
      return failed(limit.name);
  if (landlock_.apply("landlock").state == Layer::State::failed)
    return failed("landlock");
  if (auto closed = close_all_but(kept); !closed)
    return closed;
  // The filter comes last, as it forbids the steps before it.
  return install_filter(filter_);
}

} // namespace lethe
