// SPDX-License-Identifier: Apache-2.0
// The JavaScript of these tests: the files below tests/rewind/js, built into the program.
#pragma once

#include <string>
#include <vector>

namespace lethe::test {

// The text of tests/rewind/js/NAME.
std::string javascript(const std::string &name);

// A script that tries to leave something behind.
struct Leak {
  std::string name, source;
  std::string probe{}; // an expression with the same value before and after; may be empty
};

// Those of js/leaks/*.js, of all files.
std::vector<Leak> written_leaks();

} // namespace lethe::test
