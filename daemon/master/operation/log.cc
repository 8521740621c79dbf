// SPDX-License-Identifier: Apache-2.0
// The log's two sinks.
#include "daemon/master/operation/log.h"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <poll.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/systemd_sink.h>
#include <spdlog/spdlog.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace lethe {
namespace {

// Standard error may be a pipe that nobody reads: then lines are dropped and counted, the daemon
// goes on. A pipe that polls writable takes PIPE_BUF (4096) bytes without waiting.
class StandardErrorSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
  void sink_it_(const spdlog::details::log_msg &message) override {
    if (!writable()) {
      ++dropped_;
      return;
    }
    if (dropped_ > 0) {
      write_line(fmt::format("lethed: {} log lines dropped: standard error is not read\n",
                             std::exchange(dropped_, 0)));
      if (!writable())
        return;
    }
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    write_line({line.data(), line.size()});
  }
  void flush_() override {}

  static bool writable() {
    pollfd out{STDERR_FILENO, POLLOUT, 0};
    return poll(&out, 1, 0) == 1 && (out.revents & POLLOUT) != 0;
  }
  static void write_line(std::string_view line) {
    constexpr size_t most = 4096;
    std::string cut;
    if (line.size() > most) {
      cut = std::string(line.substr(0, most - 5)) + " ...\n";
      line = cut;
    }
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
  }

  uint64_t dropped_ = 0;
};

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
  case LogLevel::debug:
    return spdlog::level::debug;
  case LogLevel::info:
    return spdlog::level::info;
  case LogLevel::warning:
    return spdlog::level::warn;
  case LogLevel::error:
    break;
  }
  return spdlog::level::err;
}

std::shared_ptr<spdlog::logger> &logger() {
  static std::shared_ptr<spdlog::logger> instance;
  return instance;
}

} // namespace

// systemd says in JOURNAL_STREAM which socket leads to the journal; a redirected standard error is
// another one.
bool logs_to_journal() {
  const char *stream = std::getenv("JOURNAL_STREAM");
  struct stat error_stream {};
  return stream && fstat(STDERR_FILENO, &error_stream) == 0 &&
         stream == fmt::format("{}:{}", error_stream.st_dev, error_stream.st_ino);
}

void open_log(LogLevel level) {
  spdlog::sink_ptr sink;
  if (logs_to_journal())
    sink = std::make_shared<spdlog::sinks::systemd_sink_st>("lethed");
  else
    sink = std::make_shared<StandardErrorSink>();
  logger() = std::make_shared<spdlog::logger>("lethed", std::move(sink));
  logger()->set_pattern("%Y-%m-%d %H:%M:%S.%e %l %v");
  set_log_level(level);
}

void set_log_level(LogLevel level) {
  if (logger())
    logger()->set_level(spdlog_level(level));
}

void write_log(LogLevel level, std::string_view line) {
  if (logger())
    logger()->log(spdlog_level(level), line);
}

void MoveLog::moved(std::string_view who, std::string_view from, std::string_view to,
                    std::string_view why) {
  log_debug("{}: {} -> {}{}{}{}", who, from, to, why.empty() ? "" : " (", why,
            why.empty() ? "" : ")");
}

std::string printable(std::string_view text) {
  std::string line(text);
  for (char &c : line)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      c = ' ';
  return line;
}

} // namespace lethe
