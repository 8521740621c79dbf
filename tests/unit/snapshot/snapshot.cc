// SPDX-License-Identifier: Apache-2.0
// Startup snapshots: what preload files do is contained, what they leave is there, and a file that
// is not whole is noticed.
#include "tests/harness/scratch_folder.h"
#include "tests/unit/worker/world.h"

#include <criterion/criterion.h>
#include <cstdio>
#include <filesystem>
#include <fstream>

using namespace lethe;

namespace {

BuildLimits short_limits() { return {2000, 128}; }

Error failure_of(std::string text) {
  auto built = build_snapshot({{"preload.js", std::move(text)}}, short_limits());
  cr_assert(!built);
  return built.error();
}

std::string key_of(const Error &error, std::string_view key) {
  for (const auto &[name, value] : error.keys)
    if (name == key) {
      const auto *number = std::get_if<int64_t>(&value);
      return number ? std::to_string(*number) : std::get<std::string>(value);
    }
  return "";
}

} // namespace

Test(snapshot, what_a_preload_file_defines_is_in_every_context) {
  test::World world(
      {{"a.js", "var answer = 42; const hidden = 1; function twice(x) { return 2 * x }"},
       {"b.js", "answer = twice(answer)"}});
  cr_expect_eq(to_hex(world.eval("answer")), "54");
  cr_expect_eq(to_hex(world.eval("answer = 0; twice(hidden)")), "02");
  cr_expect_eq(to_hex(world.eval("answer")), "54", "each context has its own");
}

Test(snapshot, an_error_in_a_preload_file_has_its_place) {
  const Error thrown = failure_of("let a = 1;\n  throw new TypeError('no')");
  cr_expect_eq(thrown.code, ErrorCode::script_error);
  cr_expect_eq(thrown.message, "no");
  cr_expect_eq(key_of(thrown, "script"), "preload.js");
  cr_expect_eq(key_of(thrown, "line"), "2");
  cr_expect_eq(key_of(thrown, "source_line"), "  throw new TypeError('no')");
  const Error syntax = failure_of("let a = ;");
  cr_expect_eq(syntax.code, ErrorCode::compile_error);
  cr_expect_eq(key_of(syntax, "column"), "9");
}

Test(snapshot, an_endless_preload_file_is_stopped) {
  const Error error = failure_of("for (;;) ;");
  cr_expect_eq(error.code, ErrorCode::deadline_exceeded);
  cr_expect_eq(key_of(error, "script"), "preload.js");
}

Test(snapshot, a_preload_file_that_needs_too_much_memory_is_stopped) {
  const Error error = failure_of("const all = []; for (;;) all.push(new Array(1000).fill({}))");
  cr_expect_eq(key_of(error, "script"), "preload.js");
}

Test(snapshot, the_key_depends_on_the_preload_files) {
  const Digest none = snapshot_key({}), one = snapshot_key({{"a.js", "1"}});
  cr_expect(none != one);
  cr_expect(one != snapshot_key({{"a.js", "2"}}));
  cr_expect(one != snapshot_key({{"b.js", "1"}}));
  cr_expect(snapshot_key({{"a.js", "1"}, {"b.js", ""}}) != snapshot_key({{"a.js", "1b.js"}}));
  cr_expect(one == snapshot_key({{"a.js", "1"}}));
}

Test(snapshot, every_damage_of_a_file_is_noticed) {
  const test::ScratchFolder folder;
  const Digest key = snapshot_key({});
  const std::string path = snapshot_path(folder.path(), key);
  cr_assert(write_snapshot(path, key, "\x80", std::string(1000, 'b')));
  {
    auto good = SnapshotFile::open(path);
    cr_assert(good);
    cr_expect_eq(good->key(), key);
    cr_expect_eq(good->blob().raw_size, 1000);
    cr_expect(good->about().starts_with("\x80"));
  }
  const auto size = std::filesystem::file_size(path);
  for (size_t at = 0; at < size; at += 37) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    const char before = static_cast<char>(file.get());
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(before ^ 1));
    file.flush();
    auto opened = SnapshotFile::open(path);
    cr_expect(!opened || opened->key() != key, "byte %zu", at);
    file.seekp(static_cast<std::streamoff>(at));
    file.put(before);
  }
  std::filesystem::resize_file(path, size - 1);
  cr_expect(!SnapshotFile::open(path));
  std::filesystem::resize_file(path, 3);
  cr_expect(!SnapshotFile::open(path));
  cr_expect(!SnapshotFile::open(folder.path() / "absent"));
}
