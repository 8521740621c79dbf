// SPDX-License-Identifier: Apache-2.0
// The filter's list, and the system calls that close a worker.
#include "daemon/worker/sandbox.h"
#include "daemon/engine/globals.h"
#include "ipc/messages.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <memory>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace lethe {
namespace {

// Anything else is a violation. A note says who needs a call where that is not plain. No close: a worker keeps its socket until
// it ends. No timer_create: the kernel counts timers by user, so that one worker could take them
// from all; the CPU timer is there before. (A limit of its own, RLIMIT_SIGPENDING, is no
// substitute: it is compared with the user's count, and below that the kernel drops what a signal
// carries.)
constexpr int allowed[] = {
    SCMP_SYS(read), // of its own files that were open before
    SCMP_SYS(pread64),        SCMP_SYS(write),
    SCMP_SYS(recvfrom),       SCMP_SYS(sendto),
    SCMP_SYS(poll),           SCMP_SYS(ppoll),
    SCMP_SYS(mmap),           SCMP_SYS(munmap),
    SCMP_SYS(mprotect),       SCMP_SYS(pkey_mprotect),
    SCMP_SYS(madvise),
    SCMP_SYS(mincore), // the rewind counts what a request touched
    SCMP_SYS(mremap),         SCMP_SYS(brk),
    SCMP_SYS(clock_gettime), // where the vDSO can't
    SCMP_SYS(futex),          SCMP_SYS(clock_getres),
    SCMP_SYS(gettimeofday),   SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),      SCMP_SYS(sched_yield),
    SCMP_SYS(timer_settime),  SCMP_SYS(getrandom),
    SCMP_SYS(getrusage),      SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),    SCMP_SYS(restart_syscall),
    SCMP_SYS(getpid),         SCMP_SYS(gettid),
    SCMP_SYS(exit),           SCMP_SYS(exit_group),
};

// Refused, but no violation: libraries try these and go on without. abort() tries tgkill, then ends
// the process by itself.
constexpr int refused[] = {
    SCMP_SYS(tgkill),     SCMP_SYS(openat),    SCMP_SYS(open),
    SCMP_SYS(access),     SCMP_SYS(faccessat), SCMP_SYS(stat),
    SCMP_SYS(newfstatat), SCMP_SYS(readlink),  SCMP_SYS(readlinkat),
};

constexpr unsigned int pagemap_scan_ioctl = 0xc0606610; // _IOWR('f', 16, struct pm_scan_arg)

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

FileDescriptor landlock_ruleset(long abi) {
  if (abi < 1)
    return {};
  const LandlockRuleset ruleset{file_access_bits(abi), abi >= 4 ? 3u : 0u, abi >= 6 ? 3u : 0u};
  const size_t bytes = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
  return FileDescriptor(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &ruleset, bytes, 0)));
}

void on_violation(int, siginfo_t *info, void *) {
  process_globals.page->death_detail.store(static_cast<uint32_t>(info->si_syscall));
  process_globals.page->death_reason.store(DeathReason::sandbox_violation);
  _exit(exit_failed);
}

// libseccomp writes programs to descriptors only.
Result<std::vector<sock_filter>> export_filter(scmp_filter_ctx context) {
  const auto failed = [](const char *step) {
    return Error(ErrorCode::internal, system_message(std::string("seccomp filter: ") + step));
  };
  const FileDescriptor file(::memfd_create("seccomp", MFD_CLOEXEC));
  if (!file || seccomp_export_bpf(context, file.get()) < 0)
    return failed("export");
  const off_t bytes = ::lseek(file.get(), 0, SEEK_CUR);
  std::vector<sock_filter> filter(static_cast<size_t>(bytes) / sizeof(sock_filter));
  if (::pread(file.get(), filter.data(), static_cast<size_t>(bytes), 0) != bytes)
    return failed("read");
  return filter;
}

// Further ones, for threads and the profile's time limit. A mutex of V8 13's that another thread
// holds asks for the priority.
constexpr int allowed_to_profiler[] = {
    SCMP_SYS(timer_create),    SCMP_SYS(timer_delete),
    SCMP_SYS(set_robust_list), SCMP_SYS(rseq),
    SCMP_SYS(prctl),           SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sched_getparam),  SCMP_SYS(sched_getscheduler),
};

bool allow_threads(scmp_filter_ctx context) {
  bool good = true;
  for (const int number : allowed_to_profiler)
    good = good && seccomp_rule_add(context, SCMP_ACT_ALLOW, number, 0) == 0;
  // glibc falls back to clone(), whose flags a filter can see.
  good = good && seccomp_rule_add(context, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0;
  good = good && seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                                  SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD)) == 0;
  return good && seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                                  SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(::getpid()))) == 0;
}

Result<std::vector<sock_filter>> make_filter(bool with_threads) {
  const auto release = [](void *context) { seccomp_release(context); };
  const std::unique_ptr<void, decltype(release)> context(seccomp_init(SCMP_ACT_TRAP), release);
  bool good = context != nullptr;
  // A binary tree instead of a list: half as many steps at each system call.
  good = good && seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2) == 0;
  for (const int number : allowed)
    good = good && seccomp_rule_add(context.get(), SCMP_ACT_ALLOW, number, 0) == 0;
  good = good && (!with_threads || allow_threads(context.get()));
  for (const int number : refused) // some do not exist on every architecture
    if (number >= 0 && !(with_threads && number == SCMP_SYS(tgkill)))
      good = good && seccomp_rule_add(context.get(), SCMP_ACT_ERRNO(EACCES), number, 0) == 0;
  good = good && seccomp_rule_add(context.get(), SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                                  SCMP_A1(SCMP_CMP_EQ, pagemap_scan_ioctl)) == 0;
  if (!good)
    return Error(ErrorCode::internal, "libseccomp does not accept a rule of the sandbox");
  return export_filter(context.get());
}

} // namespace

Result<Sandbox> Sandbox::prepare() {
  Sandbox sandbox;
  auto filter = make_filter(false);
  if (!filter)
    return filter.error();
  sandbox.filter_ = std::move(*filter);
  sandbox.landlock_abi_ = landlock_abi();
  sandbox.landlock_ = landlock_ruleset(sandbox.landlock_abi_);
  struct sigaction action {};
  action.sa_flags = SA_SIGINFO;
  sigfillset(&action.sa_mask);
  action.sa_sigaction = on_violation;
  sigaction(SIGSYS, &action, nullptr);
  // Inherited: what is forked or executed from here on gains nothing by a set-user-id program.
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
    return Error(ErrorCode::internal, system_message("no_new_privs"));
  return sandbox;
}

std::vector<std::string> Sandbox::layers() const {
  std::vector<std::string> all = {"no_new_privileges", "seccomp"};
  if (landlock_)
    all.push_back("landlock " + std::to_string(landlock_abi_));
  return all;
}

Result<Nothing> Sandbox::apply_for_profiler(WorkerPage &page, const std::vector<int> &kept) {
  auto filter = make_filter(true);
  if (!filter)
    return filter.error();
  filter_ = std::move(*filter);
  return apply(page, kept);
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

Result<Nothing> Sandbox::apply(WorkerPage &page, const std::vector<int> &kept) const {
  process_globals.page = &page;
  const auto failed = [](const char *step) {
    return Error(ErrorCode::internal, system_message(std::string("sandbox: ") + step));
  };
  const rlimit few_files{16, 16};
  if (::setrlimit(RLIMIT_NOFILE, &few_files) < 0)
    return failed("limit on open files");
  if (landlock_ && ::syscall(SYS_landlock_restrict_self, landlock_.get(), 0) < 0)
    return failed("landlock");
  if (auto closed = close_all_but(kept); !closed)
    return closed;
  const sock_fprog program{static_cast<unsigned short>(filter_.size()),
                           const_cast<sock_filter *>(filter_.data())};
  // The filter comes last, as it forbids the steps before it.
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
    return failed("seccomp");
  return Nothing{};
}

} // namespace lethe
