// SPDX-License-Identifier: Apache-2.0
// The one page that a worker and the master share: which request was started, and why the worker
// died. No rewind touches it: a shared mapping is not part of the image.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>

namespace lethe {

enum class DeathReason : uint32_t {
  none = 0,
  memory_limit = 1,      // detail: nothing
  cpu_limit = 2,         // detail: nothing
  sandbox_violation = 3, // detail: the system call's number
  rewind_failed = 4,     // detail: a RewindFailure
};

// Why memory could not be put back: the worker must not run another request. One row each: name,
// meaning.
//
// clang-format off
#define LETHE_REWIND_FAILURES(row)                                              \
  row(none, "the memory is as it was at the checkpoint")                        \
  row(too_much_touched, "more memory was written than is worth putting back")   \
  row(mapping_changed, "a mapping appeared or went that is not ours")           \
  row(system_call_failed, "the kernel refused a step")                          \
  row(verify_failed, "the memory differs from the checkpoint after a rewind")
// clang-format on

enum class RewindFailure : uint8_t {
#define LETHE_ROW(name, help) name,
  LETHE_REWIND_FAILURES(LETHE_ROW)
#undef LETHE_ROW
};
std::string_view rewind_failure_name(RewindFailure failure);

// Lies alone in a sealed memfd (its size is fixed, so that no worker can cut it under the master).
// The worker writes all of it but `revoked`; what the master reads may be any value, and a wrong
// one harms nobody but the requests given to this worker.
//
// The lease word makes "at most once" exact. The master numbers a worker's requests 1, 2, …, and
// may send several ahead. A worker must claim a number before it runs the request. The master takes
// back what is not claimed: when a script runs long, so that the requests behind it run elsewhere,
// and after a worker's death. A claimed request is never run again.
struct WorkerPage {
  std::atomic<uint64_t> lease{0}; // claimed (upper half), revoked through (lower half)
  std::atomic<DeathReason> death_reason{DeathReason::none};
  std::atomic<uint32_t> death_detail{0};
  std::atomic<bool> ready{false};     // it has reached its request loop
  std::atomic<uint64_t> rewinds{0};   // statistics, for the master to show
  std::atomic<uint64_t> rewind_ns{0}; // sum
  std::atomic<uint64_t> last_rewind_ns{0};
  std::atomic<uint64_t> rewind_pages{0}; // sum of the pages put back
  std::atomic<uint64_t> rewinds_verified{0};
  std::atomic<uint32_t> hot_pages{0}; // that each rewind copies, whatever the request has changed
  // How many of them a request did change, where that was counted: its number (upper half), pages.
  std::atomic<uint64_t> counted{0};

  static constexpr uint32_t claimed_part(uint64_t lease_word) {
    return static_cast<uint32_t>(lease_word >> 32);
  }
  static constexpr uint32_t revoked_part(uint64_t lease_word) {
    return static_cast<uint32_t>(lease_word);
  }

  // Worker: may `sequence` be run? If not, the master has taken it back. Who has claimed it may ask again.
  bool claim(uint32_t sequence) {
    uint64_t word = lease.load(std::memory_order_relaxed);
    do {
      if (claimed_part(word) == sequence)
        return true;
      if (revoked_part(word) >= sequence)
        return false;
    } while (!lease.compare_exchange_weak(word, uint64_t{sequence} << 32 | revoked_part(word),
                                          std::memory_order_acq_rel));
    return true;
  }

  // Worker: of the request that it claimed last.
  void note_counted(size_t pages) {
    counted.store((lease.load(std::memory_order_relaxed) & ~uint64_t{UINT32_MAX}) |
                      static_cast<uint32_t>(pages),
                  std::memory_order_relaxed);
  }
  // Master: the pages that the request of this number has changed, if that was counted.
  std::optional<uint32_t> counted_of(uint32_t sequence) const {
    const uint64_t word = counted.load(std::memory_order_relaxed);
    return sequence > 0 && claimed_part(word) == sequence ? std::optional(revoked_part(word))
                                                          : std::nullopt;
  }

  // Master: takes back everything up to `last_sent` that is not claimed. Returns the last claimed
  // number: what comes after it surely was not started, and never will be by this worker. Nothing:
  // the word changes again and again, which no worker does that only claims what it was sent.
  std::optional<uint32_t> revoke(uint32_t last_sent) {
    constexpr int most_tries = 100; // many more requests than are ever sent ahead
    uint64_t word = lease.load(std::memory_order_relaxed);
    for (int tries = 0; claimed_part(word) < last_sent; ++tries) {
      if (tries == most_tries)
        return std::nullopt;
      if (lease.compare_exchange_weak(word, (word & ~uint64_t{UINT32_MAX}) | last_sent,
                                      std::memory_order_acq_rel))
        break;
    }
    return claimed_part(word);
  }
};
static_assert(std::atomic<uint64_t>::is_always_lock_free, "the page is shared between processes");

} // namespace lethe
