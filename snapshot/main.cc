// SPDX-License-Identifier: Apache-2.0
// lethe-snapshot: builds, shows and checks startup snapshots.
#include "ipc/message_pack.h"
#include "snapshot/cache.h"
#include "snapshot/command_line.h"
#include "snapshot/zone_resource.h"

#include <cstdio>
#include <ctime>
#include <filesystem>

namespace lethe {
namespace {

// FILE:LINE:COLUMN: MESSAGE, the source line and a caret under the place.
void print_error(const Error &error) {
  std::string place, name, source_line;
  int64_t column = 0;
  for (const auto &[key, value] : error.keys) {
    if (key == "script")
      place.insert(0, std::get<std::string>(value));
    else if (key == "line" || key == "column")
      place += ":" + std::to_string(std::get<int64_t>(value));
    else if (key == "name")
      name = std::get<std::string>(value) + ": ";
    else if (key == "source_line")
      source_line = std::get<std::string>(value);
    if (key == "column")
      column = std::get<int64_t>(value);
  }
  std::fprintf(stderr, "%s: %s%s\n", place.empty() ? "lethe-snapshot" : place.c_str(), name.c_str(),
               error.message.c_str());
  if (source_line.empty())
    return;
  std::fprintf(stderr, "%s\n", source_line.c_str());
  if (column > 0 && static_cast<size_t>(column) <= source_line.size() + 1) {
    std::string margin = source_line.substr(0, static_cast<size_t>(column - 1));
    for (char &c : margin)
      c = c == '\t' ? '\t' : ' ';
    std::fprintf(stderr, "%s^\n", margin.c_str());
  }
}

int fail(const Error &error) {
  print_error(error);
  return 1;
}

Result<Nothing> write_zones(const std::string &folder) {
  const auto zones = read_time_zones();
  if (!zones)
    return zones.error();
  return write_zone_file(folder, zone_resource(*zones));
}

int build(const SnapshotCommandLine &line) {
  auto preload = read_preload_files(line.preload);
  if (!preload)
    return fail(preload.error());
  const Digest key = snapshot_key(*preload);
  const std::string path = line.output.empty() ? snapshot_path(line.cache_dir, key) : line.output;
  if (line.output.empty()) {
    std::error_code ignored; // writing the file says what is wrong
    std::filesystem::create_directories(line.cache_dir, ignored);
  }
  if (auto written = write_zones(zone_folder(path)); !written)
    std::fprintf(stderr, "time zones are those of ICU, not the machine's: %s\n",
                 written.error().message.c_str());
  (void)use_time_zones(zone_folder(path)); // for preload files
  // The key is made of the texts that were read above: a file that changes meanwhile changes
  // neither.
  auto built = build_snapshot(*preload, line.limits);
  if (!built)
    return fail(built.error());
  if (!built->unstorable.empty())
    std::fprintf(stderr,
                 "preload files are evaluated for each script, not once: V8 cannot store %s\n",
                 built->unstorable.c_str());
  if (auto written = write_snapshot(path, key, built->about, built->blob); !written)
    return fail(written.error());
  std::printf("%s\n", path.c_str());
  return 0;
}

std::string print_time(int64_t seconds) {
  const time_t when = seconds;
  tm utc{};
  gmtime_r(&when, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

// A value of the map that describes a snapshot, on one line or as an indented list.
void print_value(Reader &reader, const std::string &indent) {
  Item item;
  if (!reader.next(item))
    return;
  if (item.kind == Kind::array) {
    std::printf("%s\n", item.count == 0 ? " none" : "");
    for (; item.count > 0; --item.count) {
      std::printf("%s -", indent.c_str());
      print_value(reader, indent + "  ");
    }
  } else if (item.kind == Kind::map) {
    for (; item.count > 0; --item.count) {
      const std::string key(reader.string().value_or(""));
      Item value;
      if (!reader.next(value))
        return;
      std::printf(" %s %s", key.c_str(),
                  value.kind == Kind::integer ? std::to_string(value.integer).c_str()
                                              : std::string(value.bytes).c_str());
    }
    std::printf("\n");
  } else if (item.kind == Kind::integer) {
    std::printf(" %s\n", std::to_string(item.integer).c_str());
  } else {
    std::printf(" %s\n", std::string(item.bytes).c_str());
  }
}

int inspect(const std::string &path) {
  auto file = SnapshotFile::open(path);
  if (!file)
    return fail(file.error());
  std::printf("key: %s\n", to_hex(file->key()).c_str());
  Reader reader(file->about());
  for (uint32_t pairs = reader.map().value_or(0); pairs > 0; --pairs) {
    const std::string key(reader.string().value_or(""));
    std::printf("%s:", key.c_str());
    if (key == "created")
      std::printf(" %s\n", print_time(reader.integer().value_or(0)).c_str());
    else
      print_value(reader, "");
  }
  return 0;
}

int verify(const std::string &path, const std::vector<std::string> &preload_paths) {
  auto file = SnapshotFile::open(path);
  if (!file)
    return fail(file.error());
  auto preload = read_preload_files(preload_paths);
  if (!preload)
    return fail(preload.error());
  // The checksum says that the file is whole, the key that it is for this installation.
  if (file->key() != snapshot_key(*preload))
    return fail(Error(ErrorCode::internal,
                      path + ": stale: not of this version of V8 and Lethe, or of other preload "
                             "files than those named by --preload, or of other time zones"));
  std::printf("%s: good\n", path.c_str());
  return 0;
}

int run(int argc, char **argv) {
  CLI::App app("Builds, shows and checks startup snapshots of Lethe", "lethe-snapshot");
  SnapshotCommandLine line;
  add_subcommands(app, line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (line.build->parsed())
    return build(line);
  return line.inspect->parsed() ? inspect(line.file) : verify(line.file, line.preload);
}

} // namespace
} // namespace lethe

int main(int argc, char **argv) { return lethe::run(argc, argv); }
