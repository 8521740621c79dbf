// SPDX-License-Identifier: Apache-2.0
// The list of armed faults.
#include "daemon/worker/memory/fault_point.h"

#include <cerrno>
#include <string>

namespace lethe {
namespace {

std::string &armed_names() {
  static std::string names;
  return names;
}

} // namespace

bool faults_armed = false;

void arm_faults(const char *names) {
  armed_names() = names ? "," + std::string(names) + "," : "";
  faults_armed = names && *names != '\0';
}

bool fault_is_armed(const char *name) {
  const std::string_view names = armed_names();
  for (size_t at = names.find(name); at != std::string_view::npos; at = names.find(name, at + 1)) {
    const size_t end = at + std::string_view(name).size();
    if (names[at - 1] == ',' && names[end] == ',') {
      errno = ENOMEM;
      return true;
    }
  }
  return false;
}

} // namespace lethe
