// SPDX-License-Identifier: Apache-2.0
// Reading, writing and replacing files.
#include "ipc/files.h"
#include "ipc/file_descriptor.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <functional>
#include <sys/stat.h>
#include <unistd.h>

namespace lethe {
namespace {

// With the slash, so that it is right for the root, too.
std::string folder_of(const std::string &path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "./" : path.substr(0, slash + 1);
}

// Two processes may write the same file at the same time.
std::string temporary_name(const std::string &path) {
  std::string name = folder_of(path).append(new_file_prefix);
  name.append(path, path.rfind('/') + 1); // from the front if there is no slash
  return name + "-" + std::to_string(::getpid());
}

Result<Nothing> write_new(const std::string &path, std::string_view content, mode_t mode) {
  const FileDescriptor file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!file)
    return file_error("create", path);
  if (auto written = write_all(file.get(), content, path); !written)
    return written;
  // Else the new name could be there after a power cut, and the content not.
  if (::fsync(file.get()) < 0)
    return file_error("sync", path);
  return Nothing{};
}

// Until its folder is synced, nobody knows whether a power cut brings a change of its names back.
// Where that fails, the caller hears of an error, so that the change must not stay either.
Result<Nothing> settle(const std::string &path, const std::function<int()> &undo) {
  auto synced = sync_folder_of(path);
  if (!synced && undo() < 0)
    synced.error().message += "; and it could not be undone: after a restart it may be in force";
  return synced;
}

} // namespace

Error file_error(std::string_view step, const std::string &path) {
  return Error(ErrorCode::internal, system_message(std::string(step) + " " + path));
}

Result<std::string> read_file(const std::string &path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) < 0)
    return file_error("open", path);
  if (!S_ISREG(status.st_mode))
    return Error(ErrorCode::internal, "open " + path + ": not a file");
  std::string content(static_cast<size_t>(status.st_size), '\0');
  size_t have = 0;
  while (have < content.size()) {
    const ssize_t got = ::read(file.get(), content.data() + have, content.size() - have);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return file_error("read", path);
    if (got == 0) // it has become shorter
      break;
    have += static_cast<size_t>(got);
  }
  content.resize(have);
  return content;
}

Result<Nothing> write_all(int file, std::string_view bytes, const std::string &name) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return file_error("write", name);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return Nothing{};
}

std::string read_to_end(int pipe) {
  constexpr size_t at_once = size_t{1} << 16; // as much as a pipe holds
  std::string content;
  for (size_t have = 0;;) {
    content.resize(have + at_once);
    const ssize_t got = ::read(pipe, content.data() + have, at_once);
    if (got < 0 && errno == EINTR)
      continue;
    have += static_cast<size_t>(std::max<ssize_t>(got, 0));
    content.resize(have);
    if (got <= 0)
      return content;
  }
}

Result<Nothing> replace_file(const std::string &path, std::string_view content, mode_t mode) {
  const std::string temporary = temporary_name(path);
  const std::string before = temporary + "-before"; // a second name of the old file
  auto result = write_new(temporary, content, mode);
  ::unlink(before.c_str());
  const bool is_new = ::link(path.c_str(), before.c_str()) < 0 && errno == ENOENT;
  if (result && ::rename(temporary.c_str(), path.c_str()) < 0)
    result = file_error("rename", temporary);
  else if (result)
    result = settle(path, [&] {
      return is_new ? ::unlink(path.c_str()) : ::rename(before.c_str(), path.c_str());
    });
  ::unlink(before.c_str());
  if (!result)
    ::unlink(temporary.c_str());
  return result;
}

Result<Nothing> remove_file(const std::string &path) {
  const std::string before = temporary_name(path);
  if (::rename(path.c_str(), before.c_str()) < 0)
    return errno == ENOENT ? Result<Nothing>(Nothing{}) : file_error("remove", path);
  auto result = settle(path, [&] { return ::rename(before.c_str(), path.c_str()); });
  ::unlink(before.c_str());
  return result;
}

Result<Nothing> sync_folder_of(const std::string &path) {
  const std::string folder = folder_of(path);
  const FileDescriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || ::fsync(directory.get()) < 0)
    return file_error("sync", folder);
  return Nothing{};
}

} // namespace lethe
