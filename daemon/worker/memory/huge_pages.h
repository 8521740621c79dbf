// SPDX-License-Identifier: Apache-2.0
// Huge pages for parts of a memfd.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lethe {

// What is mapped from a huge page costs the kernel one step for all of its small pages, or a few,
// at each fault and at the process's end. Allocates nothing.
// As the kernel has them; 0: none. Asked once: before the process can open no file any more.
size_t huge_page_bytes();

class HugePages {
public:
  explicit HugePages(int memfd); // which must stay open
  HugePages(const HugePages &) = delete;
  HugePages &operator=(const HugePages &) = delete;
  ~HugePages();

  size_t bytes() const { return bytes_; } // of one; 0: the kernel has none to give
  // Gathers what the file has at `offset`, a multiple of bytes(), in one huge page. The file must
  // be as long. False: it stays as it is.
  bool gather(uint64_t offset) const;

private:
  int memfd_;
  size_t bytes_;
  char *room_ = nullptr; // holds an aligned one
};

} // namespace lethe
