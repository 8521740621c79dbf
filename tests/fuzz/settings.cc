// SPDX-License-Identifier: Apache-2.0
// Any text as a settings file, and as the value of an option: each is taken or refused with a message
// that names the place, and what is taken is within its range.
#include "daemon/master/operation/settings_sources.h"
#include "tests/fuzz/bytes.h"

#include <string>
#include <sys/mman.h>
#include <type_traits>
#include <unistd.h>

using namespace lethe;
using namespace lethe::fuzz;

namespace {

// The file that is read: memory, by its name in /proc.
std::string file_with(int file, std::string_view text) {
  check(::ftruncate(file, 0) == 0 &&
        ::pwrite(file, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
  return "/proc/self/fd/" + std::to_string(file);
}

// U+00A1 to U+0499, U+2C5E to U+3057 and U+FA40 to U+FEFF, of most of which toml++ asks in vain
// whether they are white space (TOML_UNREACHABLE in is_non_ascii_horizontal_whitespace).
bool is_beyond_parser(std::string_view text) {
  for (size_t at = 0; at < text.size(); ++at) {
    const auto first = static_cast<unsigned char>(text[at]);
    const unsigned char second =
        at + 1 < text.size() ? static_cast<unsigned char>(text[at + 1]) : 0;
    if ((first >= 0xc2 && first <= 0xd2) || (first == 0xe2 && second >= 0xb1) ||
        (first == 0xe3 && second <= 0x81) || (first == 0xef && second >= 0xa9))
      return true;
  }
  return false;
}

void check_ranges(const Settings &settings) {
  for_each_setting(settings, [](const std::string &, const auto &value, const auto &row) {
    using Value = std::remove_cvref_t<decltype(value)>;
    if constexpr (std::is_same_v<Value, int64_t> || std::is_same_v<Value, double>) {
      const bool is_automatic = row.range.may_be_automatic && value == Value{automatic};
      // The order of a pool's keys in its file has no effect: what rises with another is over none.
      check(is_automatic || (static_cast<double>(value) >= row.range.least &&
                             static_cast<double>(value) <= row.range.most));
    }
  });
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const int file = ::memfd_create("settings", 0);
  if (is_beyond_parser({reinterpret_cast<const char *>(data), size}))
    return 0;
  Bytes input(data, size);
  const bool as_option = input.byte() % 4 == 3;
  SettingsSources sources;
  if (as_option)
    sources.overrides.push_back({input.text(), "", "--set"});
  sources.config_file_required = true;
  if (as_option)
    sources.overrides[0].text = input.rest();
  sources.config_file = file_with(file, as_option ? "" : input.rest());
  const auto settings = load_settings(sources);
  if (!settings) {
    const std::string &message = settings.error().message;
    check(message.find(as_option ? "--set" : sources.config_file) != std::string::npos ||
          message.starts_with("default"));
    return 0;
  }
  check_ranges(*settings);
  check(settings->pools.contains("default"));
  for (const auto &[name, pool] : settings->pools)
    check(zygote_settings(*settings, name, pool).pool == name);
  Settings again = *settings;
  check(keep_fixed_settings(*settings, again).empty());
  return 0;
}
