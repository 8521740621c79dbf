// SPDX-License-Identifier: Apache-2.0
// A folder for a test. In a header alone, so that unit tests need none of the harness's programs.
#pragma once

#include "ipc/error.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace lethe::test {

// A folder of the test's own, removed with everything in it.
class ScratchFolder {
public:
  explicit ScratchFolder(
      const std::filesystem::path &parent = std::filesystem::temp_directory_path()) {
    std::string name = parent / "lethe-test-XXXXXX";
    if (!::mkdtemp(name.data()))
      fatal("a test has a folder of its own");
    path_ = name;
  }
  ScratchFolder(const ScratchFolder &) = delete;
  ScratchFolder &operator=(const ScratchFolder &) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path &path() const { return path_; }
  // Writes a file and returns its path.
  std::string file(const std::string &name, const std::string &text) const {
    const std::filesystem::path file = path_ / name;
    std::ofstream(file, std::ios::binary) << text;
    return file;
  }

private:
  std::filesystem::path path_;
};

} // namespace lethe::test
