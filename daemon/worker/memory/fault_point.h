// SPDX-License-Identifier: Apache-2.0
// Steps that a test can make fail, named in the environment variable LETHE_FAULT of the zygote.
// Costs a load and a branch.
#pragma once

namespace lethe {

extern bool faults_armed;

// From now on the steps in `names` ("rewind.drop,sandbox") fail. Null: none.
void arm_faults(const char *names);
bool fault_is_armed(const char *name);

// Shall this step fail? Sets errno to ENOMEM if so.
inline bool fault_point(const char *name) { return faults_armed && fault_is_armed(name); }

} // namespace lethe
