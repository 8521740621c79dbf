// SPDX-License-Identifier: Apache-2.0
// A small assembler for classic BPF. Interface: Linux, Documentation/userspace-api/seccomp_filter.rst
#include "daemon/confinement/system_call_filter.h"
#include "ipc/invariant.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <unistd.h>

namespace lethe {
namespace {

static_assert(std::endian::native == std::endian::little, "halves of arguments are in that order");

#if defined(__x86_64__)
constexpr uint32_t architecture = AUDIT_ARCH_X86_64;
constexpr uint32_t x32_bit = 0x40000000; // the third ABI of that processor, under the same name
#elif defined(__aarch64__)
constexpr uint32_t architecture = AUDIT_ARCH_AARCH64;
constexpr uint32_t x32_bit = 0;
#else
#error "the filter knows x86-64 and arm64"
#endif

// Jumps are relative and forward. These two are put in for the places that are known later.
constexpr uint8_t to_next_condition = 254, to_next_row = 255;

class Assembler {
public:
  explicit Assembler(uint32_t violation) : violation_(violation) {}

  void begin() {
    load(offsetof(seccomp_data, arch));
    add(BPF_JMP | BPF_JEQ | BPF_K, architecture, 1, 0);
    give(SECCOMP_RET_KILL_PROCESS);
    load(offsetof(seccomp_data, nr));
    if (x32_bit != 0) {
      add(BPF_JMP | BPF_JGE | BPF_K, x32_bit, 0, 1);
      give(SECCOMP_RET_KILL_PROCESS);
    }
  }

  // All rows of one call.
  void add_call(std::span<const CallRow *const> rows, const CallFacts &facts) {
    const size_t jump = program_.size();
    add(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(rows.front()->number), 0, 0);
    bool is_decided = false; // by a row without a condition
    for (auto row = rows.begin(); row != rows.end() && !is_decided; ++row)
      is_decided = add_row(**row, facts);
    if (!is_decided)
      give(violation_);
    program_[jump].jf = distance(jump);
  }

  std::vector<sock_filter> finish() {
    give(violation_);
    return std::move(program_);
  }

private:
  void add(int code, uint32_t k, uint8_t jump_true = 0, uint8_t jump_false = 0) {
    program_.push_back({static_cast<uint16_t>(code), jump_true, jump_false, k});
  }
  void load(size_t offset) { add(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offset)); }
  void give(uint32_t action) { add(BPF_RET | BPF_K, action); }
  // From the instruction behind `jump` to the next one that is added.
  uint8_t distance(size_t jump) const {
    const size_t steps = program_.size() - jump - 1;
    invariant(steps < to_next_condition, "a call's rows are within reach of a jump",
              {"steps", steps});
    return static_cast<uint8_t>(steps);
  }
  void set_jumps(size_t first, uint8_t mark) {
    for (size_t i = first; i < program_.size(); ++i) {
      sock_filter &step = program_[i];
      if (BPF_CLASS(step.code) != BPF_JMP)
        continue;
      step.jt = step.jt == mark ? distance(i) : step.jt;
      step.jf = step.jf == mark ? distance(i) : step.jf;
    }
  }

  // Does it always fit?
  bool add_row(const CallRow &row, const CallFacts &facts) {
    const size_t first = program_.size();
    bool always = true;
    for (const CallCondition &condition : row.conditions) {
      if (condition.kind == CallCondition::Kind::none)
        continue;
      always = false;
      const size_t begin = program_.size();
      add_condition(condition, condition.value_with(facts));
      set_jumps(begin, to_next_condition);
    }
    give(row.refusal == 0 ? SECCOMP_RET_ALLOW
                          : SECCOMP_RET_ERRNO | static_cast<uint32_t>(row.refusal));
    set_jumps(first, to_next_row);
    return always;
  }

  void add_condition(const CallCondition &condition, uint64_t value) {
    using Kind = CallCondition::Kind;
    const auto high = static_cast<uint32_t>(value >> 32), low = static_cast<uint32_t>(value);
    const size_t at = offsetof(seccomp_data, args) + condition.argument * sizeof(uint64_t);
    const size_t at_high = at + sizeof(uint32_t);
    constexpr int equal = BPF_JMP | BPF_JEQ | BPF_K, greater = BPF_JMP | BPF_JGT | BPF_K,
                  not_less = BPF_JMP | BPF_JGE | BPF_K;
    load(at_high);
    switch (condition.kind) {
    case Kind::masked_is:
      add(BPF_ALU | BPF_AND | BPF_K, static_cast<uint32_t>(condition.mask >> 32));
      add(equal, high, 0, to_next_row);
      load(at);
      add(BPF_ALU | BPF_AND | BPF_K, static_cast<uint32_t>(condition.mask));
      add(equal, low, 0, to_next_row);
      break;
    case Kind::is:
      add(equal, high, 0, to_next_row);
      load(at);
      add(equal, low, 0, to_next_row);
      break;
    case Kind::is_not:
      add(equal, high, 0, to_next_condition);
      load(at);
      add(equal, low, to_next_row, 0);
      break;
    case Kind::at_most:
      add(greater, high, to_next_row, 0);
      add(equal, high, 0, to_next_condition);
      load(at);
      add(greater, low, to_next_row, 0);
      break;
    case Kind::at_least:
      add(greater, high, to_next_condition, 0);
      add(equal, high, 0, to_next_row);
      load(at);
      add(not_less, low, 0, to_next_row);
      break;
    case Kind::none:
      break;
    }
  }

  uint32_t violation_;
  std::vector<sock_filter> program_;
};

} // namespace

bool CallCondition::holds(const uint64_t (&arguments)[6], const CallFacts &facts) const {
  const uint64_t given = arguments[argument], wanted = value_with(facts);
  switch (kind) {
  case Kind::is:
    return given == wanted;
  case Kind::is_not:
    return given != wanted;
  case Kind::masked_is:
    return (given & mask) == wanted;
  case Kind::at_most:
    return given <= wanted;
  case Kind::at_least:
    return given >= wanted;
  case Kind::none:
    break;
  }
  return true;
}

bool CallRow::fits(int call, const uint64_t (&arguments)[6], const CallFacts &facts) const {
  return call == number && std::ranges::all_of(conditions, [&](const CallCondition &condition) {
           return condition.holds(arguments, facts);
         });
}

CallTable join(std::initializer_list<std::span<const CallRow>> tables) {
  CallTable all;
  for (const auto table : tables)
    all.insert(all.end(), table.begin(), table.end());
  return all;
}

// One call after the other, in the order of the table: the kernel remembers for which calls the
// program always says yes, and does not run it for them.
std::vector<sock_filter> make_filter(const CallTable &table, const CallFacts &facts,
                                     Violation violation) {
  Assembler assembler(violation == Violation::signal ? SECCOMP_RET_TRAP : SECCOMP_RET_KILL_PROCESS);
  assembler.begin();
  for (auto row = table.begin(); row != table.end(); ++row) {
    const auto is_same = [row](const CallRow &other) { return other.number == row->number; };
    if (std::any_of(table.begin(), row, is_same))
      continue; // it is there
    std::vector<const CallRow *> rows;
    for (auto other = row; other != table.end(); ++other)
      if (is_same(*other))
        rows.push_back(&*other);
    assembler.add_call(rows, facts);
  }
  return assembler.finish();
}

Result<Nothing> install_filter(const std::vector<sock_filter> &filter) {
  const sock_fprog program{static_cast<unsigned short>(filter.size()),
                           const_cast<sock_filter *>(filter.data())};
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
    return Error(ErrorCode::internal, system_message("seccomp"));
  return Nothing{};
}

} // namespace lethe
