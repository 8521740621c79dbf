// SPDX-License-Identifier: Apache-2.0
// The JavaScript of these tests, from the program's own data.
#include "tests/rewind/sources.h"

#include "tests/harness/expect.h"
#include <sstream>
#include <string_view>

namespace lethe::test {
namespace {

struct Source {
  std::string_view name, text;
};
constexpr Source sources[] = {
#include "gen/rewind.inc"
};

} // namespace

std::string javascript(const std::string &name) {
  for (const Source &source : sources)
    if (source.name == name)
      return std::string(source.text);
  fail("there is no tests/rewind/js/" + name);
}

std::vector<Leak> written_leaks() {
  std::vector<Leak> leaks;
  for (const Source &source : sources) {
    if (!source.name.starts_with("leaks/"))
      continue;
    bool in_section = false;
    std::istringstream lines{std::string(source.text)};
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("//: ")) {
        leaks.push_back({line.substr(4), ""});
        in_section = true;
      } else if (line.starts_with("//? ")) {
        leaks.back().probe = line.substr(4);
      } else if (in_section) {
        leaks.back().source += line + "\n";
      }
    }
  }
  return leaks;
}

} // namespace lethe::test
