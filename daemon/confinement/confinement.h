// SPDX-License-Identifier: Apache-2.0
// What closes a process that runs strangers' code, layer by layer: namespaces, privileges, files.
// The filter of its system calls (system_call_filter.h) comes on top.
#pragma once

#include "ipc/error.h"
#include "ipc/file_descriptor.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lethe {

struct Layer {
  enum class State : uint8_t {
    in_force,
    not_here, // the kernel lacks it, or does not let this user have it
    failed,   // it is there, and does not come up
  };
  std::string name; // "landlock 7"
  State state;
  std::string why = {}; // it is not in force
};

// A Landlock ruleset, which denies all that no rule of it allows.
class Landlock {
public:
  // None where the kernel has no Landlock. Files below `readable` may be read; empty: none.
  static Landlock make(const char *readable);
  // For this process and its children, for good. Needs no_new_privs.
  Layer apply(std::string_view name) const;
  Layer layer(std::string_view name) const; // as it is, or will be
  int descriptor() const { return ruleset_.get(); }

private:
  long abi_ = 0;
  FileDescriptor ruleset_;
};

// For this process, which has one thread, and for all its children, for good: namespaces of its
// own, no privilege, no dump of its memory (nor may others of its user look at it), and by Landlock
// no file but those below `readable`. With `limits_speculation` what its processor does ahead, too,
// as far as that can be chosen. One Layer for each, in order. Process ids stay those of the machine:
// the master hears of them.
std::vector<Layer> confine(const char *readable, bool limits_speculation);

} // namespace lethe
