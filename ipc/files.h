// SPDX-License-Identifier: Apache-2.0
// Files that are read and written as a whole. Every error names the step, the file and the kernel's
// reason: "open /run/x: No such file or directory".
#pragma once

#include "ipc/error.h"

#include <string>
#include <string_view>
#include <sys/types.h>

namespace lethe {

// From errno.
Error file_error(std::string_view step, const std::string &path);

// What is no regular file is refused: a pipe or a device would seem empty.
Result<std::string> read_file(const std::string &path);

// Goes on after what the kernel takes only in part, or interrupts. `name` is for the error.
Result<Nothing> write_all(int file, std::string_view bytes, const std::string &name);

// Of a pipe: what comes until nobody writes to it any more, or reading fails.
std::string read_to_end(int pipe);

// Others see either the old file or all of the new one, even after a power cut; once it has
// returned, the new one. After an error, the old one is as it was, also where the disk fails in the
// last step; if it can't be put back, the error says so.
Result<Nothing> replace_file(const std::string &path, std::string_view content, mode_t mode);

// Once it has returned, the file has gone for good, or was not there. After an error, as above.
Result<Nothing> remove_file(const std::string &path);

// A new or renamed file, and one that was removed, is so for good once its folder is synced.
Result<Nothing> sync_folder_of(const std::string &path);

// How the name of a file begins that replace_file() has not renamed yet: a writer that is killed
// leaves it in the folder.
inline constexpr std::string_view new_file_prefix = ".new-";

} // namespace lethe
