// SPDX-License-Identifier: Apache-2.0
// Which system calls a process may make, with which arguments: a table, and the program for the
// kernel (seccomp) that is made of it.
#pragma once

#include "ipc/error.h"

#include <cerrno>
#include <cstdint>
#include <linux/filter.h>
#include <span>
#include <string_view>
#include <sys/syscall.h>
#include <vector>

namespace lethe {

// What is not known before the process runs.
struct CallFacts {
  uint64_t arena_begin = 0; // of the arena's addresses
  uint64_t program_end = 0; // nothing of the program lies from here on
  uint64_t own_pid = 0;
};

// Of one argument, all 64 bits of it. `value` is a fact where it names one.
struct CallCondition {
  enum class Kind : uint8_t { none, is, is_not, masked_is, at_most, at_least };
  enum class Fact : uint8_t { none, arena_begin, program_end, own_pid };

  Kind kind = Kind::none;
  uint8_t argument = 0;
  uint64_t value = 0, mask = 0;
  Fact fact = Fact::none;

  uint64_t value_with(const CallFacts &facts) const {
    switch (fact) {
    case Fact::arena_begin:
      return facts.arena_begin;
    case Fact::program_end:
      return facts.program_end;
    case Fact::own_pid:
      return facts.own_pid;
    case Fact::none:
      break;
    }
    return value;
  }
  bool holds(const uint64_t (&arguments)[6], const CallFacts &facts) const;
};

// For tables: argument 0 is the first.
namespace call_argument {
using Kind = CallCondition::Kind;
constexpr CallCondition is(uint8_t argument, uint64_t value) {
  return {Kind::is, argument, value, 0, CallCondition::Fact::none};
}
constexpr CallCondition is_not(uint8_t argument, uint64_t value) {
  return {Kind::is_not, argument, value, 0, CallCondition::Fact::none};
}
// It has no other bits.
constexpr CallCondition within(uint8_t argument, uint64_t bits) {
  return {Kind::masked_is, argument, 0, ~bits, CallCondition::Fact::none};
}
// It has these bits, and others only of `optional`.
constexpr CallCondition flags(uint8_t argument, uint64_t bits, uint64_t optional) {
  return {Kind::masked_is, argument, bits, ~optional, CallCondition::Fact::none};
}
constexpr CallCondition at_most(uint8_t argument, uint64_t value) {
  return {Kind::at_most, argument, value, 0, CallCondition::Fact::none};
}
constexpr CallCondition from_arena_on(uint8_t argument) {
  return {Kind::at_least, argument, 0, 0, CallCondition::Fact::arena_begin};
}
constexpr CallCondition behind_program(uint8_t argument) {
  return {Kind::at_least, argument, 0, 0, CallCondition::Fact::program_end};
}
constexpr CallCondition is_own_pid(uint8_t argument) {
  return {Kind::is, argument, 0, 0, CallCondition::Fact::own_pid};
}
} // namespace call_argument

// The call is allowed, or refused with `refusal` as its errno, if all conditions hold. The first row
// of a table that fits counts; where none does, the call is a violation.
struct CallRow {
  int number;
  std::string_view name;
  int refusal; // 0: allowed
  std::string_view reason;
  CallCondition conditions[3] = {};

  bool fits(int call, const uint64_t (&arguments)[6], const CallFacts &facts) const;
};
#define LETHE_CALL(name) SYS_##name, #name

// Libraries look for files of theirs, and go on without: refused to each process that runs
// strangers' code, and no violation.
inline constexpr CallRow file_rows[] = {
    {LETHE_CALL(openat), EACCES, "configuration, locales and time zones of libraries"},
    {LETHE_CALL(newfstatat), EACCES, "the C library asks whether the time zone's file has changed"},
    {LETHE_CALL(faccessat), EACCES, "libraries look for their files"},
    {LETHE_CALL(readlinkat), EACCES, "the same"},
#ifdef SYS_open // not on newer architectures
    {LETHE_CALL(open), EACCES, "as openat"},
    {LETHE_CALL(stat), EACCES, "as newfstatat"},
    {LETHE_CALL(access), EACCES, "as faccessat"},
    {LETHE_CALL(readlink), EACCES, "as readlinkat"},
#endif
};

// Rows in the order in which they count.
using CallTable = std::vector<CallRow>;
CallTable join(std::initializer_list<std::span<const CallRow>> tables);

// What a violation is: a signal that a handler may hear of (SIGSYS), or the end of the process.
enum class Violation : uint8_t { signal, end };

// Calls of another architecture's ABI end the process in any case.
std::vector<sock_filter> make_filter(const CallTable &table, const CallFacts &facts,
                                     Violation violation);
// For this process and all that it forks and executes, for good; what is installed later can only
// take away. Needs no_new_privs.
Result<Nothing> install_filter(const std::vector<sock_filter> &filter);

} // namespace lethe
