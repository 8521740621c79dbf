// SPDX-License-Identifier: Apache-2.0
// The log's two sinks.
#include "daemon/master/operation/log.h"
#include "ipc/file_descriptor.h"
#include "ipc/utf8.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <poll.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace lethe {
namespace {

constexpr size_t most_line_bytes = 4000; // with what goes around it less than PIPE_BUF

// Where lines go. Whoever reads them may not: then they are dropped and counted, the daemon goes on,
// and the next line that has room tells how many there were.
class Sink : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
public:
  uint64_t dropped() const { return dropped_; }

protected:
  // False: there is no room.
  virtual bool put(const spdlog::details::log_msg &message) = 0;

private:
  void sink_it_(const spdlog::details::log_msg &message) override {
    if (told_ != dropped_) {
      const std::string text =
          fmt::format("{} lines of the log were dropped, as it was not read", dropped_ - told_);
      if (put({message.logger_name, spdlog::level::warn, text}))
        told_ = dropped_;
    }
    if (told_ != dropped_ || !put(message))
      ++dropped_;
  }
  void flush_() override {}

  uint64_t dropped_ = 0, told_ = 0;
};

// The journal, by its own protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL): sd_journal_send(3) would
// wait for it. A line has no line break, and so needs no other form than this.
class JournalSink final : public Sink {
public:
  explicit JournalSink(const std::string &path)
      : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    address_.sun_family = AF_UNIX;
    path.copy(address_.sun_path, sizeof address_.sun_path - 1);
  }

private:
  bool put(const spdlog::details::log_msg &message) override {
    // As syslog(3) has them: debug, info, warning, error.
    constexpr int priorities[] = {7, 7, 6, 4, 3, 2, 7};
    const std::string entry = fmt::format(
        "SYSLOG_IDENTIFIER=lethed\nPRIORITY={}\nMESSAGE={}\n", priorities[message.level],
        std::string_view(message.payload.data(), message.payload.size()));
    // Each time by its path, as it may be another journal than before.
    return ::sendto(socket_.get(), entry.data(), entry.size(), MSG_NOSIGNAL,
                    reinterpret_cast<const sockaddr *>(&address_), sizeof address_) >= 0;
  }

  FileDescriptor socket_;
  sockaddr_un address_{};
};

// Standard error: a pipe, a terminal, a socket, a file.
class StandardErrorSink final : public Sink {
public:
  StandardErrorSink() {
    struct stat status {};
    fstat(STDERR_FILENO, &status);
    is_socket_ = S_ISSOCK(status.st_mode);
    // Not to wait is a property of what was opened, which others have in common with us (a shell, a
    // zygote): so it is opened once more. Where that is not allowed, poll(2) has to do.
    if (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode))
      own_.reset(::open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  }

private:
  bool put(const spdlog::details::log_msg &message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    if (is_socket_)
      return ::send(STDERR_FILENO, line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
    if (own_)
      return ::write(own_.get(), line.data(), line.size()) >= 0;
    pollfd out{STDERR_FILENO, POLLOUT, 0};
    return poll(&out, 1, 0) == 1 && (out.revents & POLLOUT) != 0 &&
           ::write(STDERR_FILENO, line.data(), line.size()) >= 0;
  }

  bool is_socket_ = false;
  FileDescriptor own_;
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

std::shared_ptr<Sink> &sink() {
  static std::shared_ptr<Sink> instance;
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

void open_log(LogLevel level, const std::string &journal_socket) {
  if (logs_to_journal())
    sink() = std::make_shared<JournalSink>(journal_socket);
  else
    sink() = std::make_shared<StandardErrorSink>();
  logger() = std::make_shared<spdlog::logger>("lethed", sink());
  logger()->set_pattern("%Y-%m-%d %H:%M:%S.%e %l %v");
  set_log_level(level);
}

void set_log_level(LogLevel level) {
  if (logger())
    logger()->set_level(spdlog_level(level));
}

// Whatever text of a client's or a script's is in it, it stays one line.
void write_log(LogLevel level, std::string_view line) {
  if (!logger() || !logger()->should_log(spdlog_level(level)))
    return;
  std::string text = printable(line.substr(0, most_line_bytes));
  if (line.size() > most_line_bytes)
    text += " ...";
  logger()->log(spdlog_level(level), text);
}

uint64_t dropped_log_lines() { return sink() ? sink()->dropped() : 0; }

void MoveLog::moved(std::string_view who, std::string_view from, std::string_view to,
                    std::string_view why) {
  log_debug("{}: {} -> {}{}{}{}", who, from, to, why.empty() ? "" : " (", why,
            why.empty() ? "" : ")");
}

std::string printable(std::string_view text) {
  std::string line;
  line.reserve(text.size());
  while (!text.empty()) {
    const size_t bytes = utf8_character_bytes(text);
    const std::string_view character = text.substr(0, std::max<size_t>(bytes, 1));
    const auto first = static_cast<unsigned char>(text[0]);
    // Beyond ASCII there are control characters, too, U+0080 to U+009F, which terminals obey, and
    // two that separate lines, U+2028 and U+2029.
    const bool is_control = first < 0x20 || first == 0x7f ||
                            (bytes == 2 && first == 0xc2 && text[1] < '\xa0') ||
                            character == "\u2028" || character == "\u2029";
    line += is_control ? " " : bytes == 0 ? "?" : character;
    text.remove_prefix(character.size());
  }
  return line;
}

} // namespace lethe
