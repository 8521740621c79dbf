// SPDX-License-Identifier: Apache-2.0
// Values of settings that have names.
#pragma once

#include "ipc/named.h"

#include <cstdint>

namespace lethe {

// What a request may find of earlier ones; from loose to strict.
enum class Isolation : uint8_t { reuse, rewind, process };

template <>
inline constexpr std::array names_of<Isolation>{Name{"rewind", Isolation::rewind},
                                                Name{"process", Isolation::process},
                                                Name{"reuse", Isolation::reuse}};

// How much of the sandbox there must be.
enum class SandboxMode : uint8_t {
  required, // a layer that the kernel has and that does not come up stops the start
  best,     // what comes up is in force; the log says what does not
  off,      // none of it: for looking for faults, with scripts that one trusts
};

template <>
inline constexpr std::array names_of<SandboxMode>{Name{"required", SandboxMode::required},
                                                  Name{"best", SandboxMode::best},
                                                  Name{"off", SandboxMode::off}};

// Whether the daemon makes control groups.
enum class CgroupsMode : uint8_t {
  automatic, // where it may
  off,
};

template <>
inline constexpr std::array names_of<CgroupsMode>{Name{"auto", CgroupsMode::automatic},
                                                  Name{"off", CgroupsMode::off}};

// The ways in which a rewind finds the pages that were written; but for the first, from good to bad.
enum class ScanMethod : uint8_t {
  automatic,    // the best that works on this kernel
  pagemap_scan, // the ioctl PAGEMAP_SCAN (Linux 6.7): the kernel lists the runs
  pagemap,      // bit 61 of each page's entry in /proc/self/pagemap
  drop,         // not at all: every page is dropped after every request
};

template <>
inline constexpr std::array names_of<ScanMethod>{
    Name{"auto", ScanMethod::automatic}, Name{"pagemap_scan", ScanMethod::pagemap_scan},
    Name{"pagemap", ScanMethod::pagemap}, Name{"drop", ScanMethod::drop}};

// What is on or off, or as what depends on it says.
enum class Choice : uint8_t { automatic, on, off };

template <>
inline constexpr std::array names_of<Choice>{Name{"auto", Choice::automatic},
                                             Name{"on", Choice::on}, Name{"off", Choice::off}};

constexpr bool is_on(Choice choice, bool automatically) {
  return choice == Choice::automatic ? automatically : choice == Choice::on;
}

} // namespace lethe
