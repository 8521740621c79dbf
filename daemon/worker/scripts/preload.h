// SPDX-License-Identifier: Apache-2.0
// The operator's preload files, where the startup snapshot can't hold what they leave behind: evaluated in
// each context that scripts get.
#pragma once

#include "ipc/error.h"

#include <optional>
#include <string>
#include <v8.h>
#include <vector>

namespace lethe {

class Preload {
public:
  struct File {
    std::string name; // in stacks
    std::string text;
  };
  Preload() = default;
  explicit Preload(std::vector<File> files) : files_(std::move(files)) {}

  bool is_empty() const { return files_.empty(); }
  // In their order. The error is that of a script, of the first that fails; the others are left out.
  std::optional<Error> evaluate(v8::Local<v8::Context> context) const;

private:
  std::vector<File> files_;
};

} // namespace lethe
