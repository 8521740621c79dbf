// SPDX-License-Identifier: Apache-2.0
// The processor's modes of computing, which no memory holds: no rewind puts them back.
#pragma once

#include <cstdint>

namespace lethe {

// Rounding to nearest, nothing flushed to zero, no exception: what a process starts with, and what
// JavaScript's numbers need.
inline void reset_floating_point() {
#if defined(__x86_64__)
  constexpr uint32_t mxcsr = 0x1f80;
  constexpr uint16_t x87_control = 0x037f;
  asm volatile("ldmxcsr %0; fldcw %1" : : "m"(mxcsr), "m"(x87_control));
#elif defined(__aarch64__)
  asm volatile("msr fpcr, %0" : : "r"(uint64_t{0}));
#endif
}

} // namespace lethe
