// SPDX-License-Identifier: Apache-2.0
// Runs a filter's program as the kernel would, for a call that nobody makes.
#pragma once

#include <criterion/criterion.h>
#include <cstdint>
#include <cstring>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <vector>

namespace lethe::test {

#if defined(__x86_64__)
constexpr uint32_t native_architecture = AUDIT_ARCH_X86_64;
#else
constexpr uint32_t native_architecture = AUDIT_ARCH_AARCH64;
#endif

// What the program returns: SECCOMP_RET_*. A step that the kernel does not know fails the test.
inline uint32_t run_filter(const std::vector<sock_filter> &program, const seccomp_data &call) {
  uint32_t a = 0;
  for (size_t at = 0; at < program.size(); ++at) {
    const sock_filter &step = program[at];
    const auto jump = [&](bool holds) { at += holds ? step.jt : step.jf; };
    switch (step.code) {
    case BPF_LD | BPF_W | BPF_ABS:
      cr_assert(step.k % 4 == 0 && step.k + 4 <= sizeof call, "offset %u", step.k);
      std::memcpy(&a, reinterpret_cast<const char *>(&call) + step.k, sizeof a);
      break;
    case BPF_ALU | BPF_AND | BPF_K:
      a &= step.k;
      break;
    case BPF_JMP | BPF_JEQ | BPF_K:
      jump(a == step.k);
      break;
    case BPF_JMP | BPF_JGT | BPF_K:
      jump(a > step.k);
      break;
    case BPF_JMP | BPF_JGE | BPF_K:
      jump(a >= step.k);
      break;
    case BPF_RET | BPF_K:
      return step.k;
    default:
      cr_assert_fail("no such step: %x", step.code);
    }
  }
  cr_assert_fail("a filter ends with a verdict");
  return 0;
}

} // namespace lethe::test
