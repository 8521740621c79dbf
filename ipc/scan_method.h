// SPDX-License-Identifier: Apache-2.0
// The ways in which a rewind finds the pages that were written.
#pragma once

#include "ipc/named.h"

#include <cstdint>

namespace lethe {

// But for the first, from good to bad.
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

} // namespace lethe
