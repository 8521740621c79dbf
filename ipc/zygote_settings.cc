// SPDX-License-Identifier: Apache-2.0
// Settings as words of a command line.
#include "ipc/zygote_settings.h"

#include <algorithm>
#include <charconv>

namespace lethe {
namespace {

std::string word(const std::string &value) { return value; }
std::string word(bool value) { return value ? "true" : "false"; }

template <Named Enumeration> std::string word(Enumeration value) {
  return std::string(name_of(value));
}

// The shortest text that is read as the same number.
template <typename Number>
requires std::is_arithmetic_v<Number> std::string word(Number value) {
  char text[32];
  return {text, std::to_chars(std::begin(text), std::end(text), value).ptr};
}

void add(std::vector<std::string> &words, const std::string &name, const auto &value) {
  words.push_back(name);
  words.push_back(word(value));
}

void add(std::vector<std::string> &words, const std::string &name,
         const std::vector<std::string> &list) {
  for (const std::string &item : list)
    add(words, name, item);
}

} // namespace

std::string ToldSetting::argument() const {
  std::string name = std::string("--").append(key);
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

std::vector<std::string> zygote_arguments(const ZygoteSettings &settings) {
  std::vector<std::string> words;
  for_each_told(settings, [&](const ToldSetting &row, const auto &value) {
    add(words, row.argument(), value);
  });
  return words;
}

std::vector<std::string> snapshot_arguments(const ZygoteSettings &settings) {
  std::vector<std::string> words;
  for_each_told(settings, [&](const ToldSetting &row, const auto &value) {
    if (row.user == SettingUser::zygote_and_snapshot)
      add(words, row.argument(), value);
  });
  return words;
}

} // namespace lethe
