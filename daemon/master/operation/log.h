// SPDX-License-Identifier: Apache-2.0
// The daemon's log: the journal under systemd, standard error else. Never waits for its reader.
#pragma once

#include "daemon/master/loop/state_machine.h"
#include "ipc/named.h"

#include <cstdint>
#include <fmt/format.h>
#include <string>
#include <string_view>

namespace lethe {

enum class LogLevel : uint8_t { debug, info, warning, error };
template <>
inline constexpr std::array names_of<LogLevel>{
    Name{"debug", LogLevel::debug}, Name{"info", LogLevel::info},
    Name{"warning", LogLevel::warning}, Name{"error", LogLevel::error}};

void open_log(LogLevel level, const std::string &journal_socket = "/run/systemd/journal/socket");
void set_log_level(LogLevel level);
bool logs_to_journal();
// Whatever is in it becomes one line, as by printable().
void write_log(LogLevel level, std::string_view line);
// Because nobody read them.
uint64_t dropped_log_lines();
// Text from outside, made one line: control characters become spaces, what isn't UTF-8 "?".
std::string printable(std::string_view text);

template <typename... Arguments>
void log_debug(fmt::format_string<Arguments...> format, Arguments &&...arguments) {
  write_log(LogLevel::debug, fmt::format(format, std::forward<Arguments>(arguments)...));
}
template <typename... Arguments>
void log_info(fmt::format_string<Arguments...> format, Arguments &&...arguments) {
  write_log(LogLevel::info, fmt::format(format, std::forward<Arguments>(arguments)...));
}
template <typename... Arguments>
void log_warning(fmt::format_string<Arguments...> format, Arguments &&...arguments) {
  write_log(LogLevel::warning, fmt::format(format, std::forward<Arguments>(arguments)...));
}
template <typename... Arguments>
void log_error(fmt::format_string<Arguments...> format, Arguments &&...arguments) {
  write_log(LogLevel::error, fmt::format(format, std::forward<Arguments>(arguments)...));
}

// Moves of state machines, each a line of the level "debug".
class MoveLog final : public MoveObserver {
public:
  void moved(std::string_view who, std::string_view from, std::string_view to,
             std::string_view why) override;
};

} // namespace lethe
