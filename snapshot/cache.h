// SPDX-License-Identifier: Apache-2.0
// Startup snapshots on disk: what one depends on, its key, its file.
#pragma once

#include "ipc/error.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <v8.h>
#include <vector>

namespace lethe {

using Digest = std::array<unsigned char, 32>; // SHA-256
Digest digest_of(std::string_view bytes);
std::string to_hex(const Digest &digest);

struct PreloadFile {
  std::string path;
  std::string text;
};
// What scripts see of it in their stacks: not where it is on this machine.
std::string script_name(const PreloadFile &file);
Result<std::vector<PreloadFile>> read_preload_files(const std::vector<std::string> &paths);

// Identifies the library that V8 comes from: its build id in hex.
std::string engine_build_id();

// A hash of all that a snapshot depends on: V8's version and flags, the library's build, the
// prelude, the preload files, and the machine's time zones, which lie beside it.
Digest snapshot_key(const std::vector<PreloadFile> &preload);

std::string snapshot_path(const std::string &cache_dir, const Digest &key);

// Where tzdata is: $TZDIR, else /usr/share/zoneinfo, as for the C library.
std::string tzdata_folder();
// "2025b"; empty: this machine has none.
std::string tzdata_version();

// The folder in which a snapshot's builder puts those zones for ICU.
std::string zone_folder(const std::string &snapshot);
// `zones`: what ICU reads. A checksum follows it, as ICU trusts what it reads.
Result<Nothing> write_zone_file(const std::string &folder, const std::string &zones);
// Lets ICU have the zones in that folder, if there are any, instead of its own. Before V8 starts. Their
// version; empty: ICU keeps its own. An error: they are damaged.
Result<std::string> use_time_zones(const std::string &folder);

// A key of the map that describes a snapshot, and one of its values.
inline constexpr std::string_view evaluated_key = "evaluated",
                                  evaluated_in_each_context = "in each context";

// A snapshot's file, mapped for reading. The mapping must outlive every isolate made from it.
class SnapshotFile {
public:
  // Checks everything but whether the key is the right one. The error says what is wrong.
  static Result<SnapshotFile> open(const std::string &path);
  SnapshotFile(SnapshotFile &&other) noexcept
      : bytes_(std::exchange(other.bytes_, {})), about_bytes_(other.about_bytes_) {}
  SnapshotFile &operator=(SnapshotFile &&) = delete;
  ~SnapshotFile();

  Digest key() const;
  std::string_view about() const; // MessagePack: what `inspect` shows
  v8::StartupData blob() const;
  // False: the preload files are to be evaluated in each context that is made of it.
  bool holds_preload() const;

private:
  explicit SnapshotFile(std::string_view bytes) : bytes_(bytes) {}
  Result<Nothing> check();

  std::string_view bytes_;
  size_t about_bytes_ = 0;
};

// Writes the file so that others see either the old or all of the new one, even after a power cut.
Result<Nothing> write_snapshot(const std::string &path, const Digest &key, std::string_view about,
                               std::string_view blob);

} // namespace lethe
