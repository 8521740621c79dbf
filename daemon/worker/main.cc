// SPDX-License-Identifier: Apache-2.0
// lethe-zygote: started by lethed with a control channel; opens the startup snapshot, starts V8,
// and becomes the zygote of generation 0.
#include "daemon/engine/arena.h"
#include "daemon/engine/entropy.h"
#include "daemon/natives/natives.h"
#include "daemon/natives/openssl.h"
#include "daemon/worker/memory/fault_point.h"
#include "daemon/worker/process_signals.h"
#include "daemon/worker/zygote.h"
#include "snapshot/cache.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

namespace lethe {
namespace {

// Of address space, for V8's heap, code and WebAssembly memories; touched pages alone cost memory.
constexpr size_t arena_bytes = size_t{16} << 30;

struct Arguments {
  int control = -1;
  std::string cache_dir, isolation;
  size_t memory_mb = 128;
  Rewinder::Settings rewind;
  size_t rewind_max_mb = 64;
  std::vector<std::string> preload;
  ZygoteOptions zygote;
};

// Every mapping must be known: the heap grows by brk alone, in one arena.
void tame_malloc() {
  ::mallopt(M_ARENA_MAX, 1);
  ::mallopt(M_MMAP_MAX, 0);
  ::mallopt(M_TRIM_THRESHOLD, 1 << 30);
}

// A fork copies one thread only.
void check_single_thread() {
  const std::filesystem::directory_iterator threads("/proc/self/task");
  if (std::distance(begin(threads), end(threads)) != 1)
    fatal("a zygote has one thread");
}

// When the machine runs out of memory, the kernel should end a worker rather than the master. To
// raise the score needs no privilege.
void offer_to_oom_killer() {
  constexpr int wanted_score = 500;
  constexpr const char *path = "/proc/self/oom_score_adj";
  int score = wanted_score;
  std::ifstream(path) >> score;
  if (score < wanted_score)
    std::ofstream(path) << wanted_score;
}

// The master then has it built, and tries again.
[[noreturn]] void refuse_snapshot(const std::string &reason) {
  std::fprintf(stderr, "lethe-zygote: no usable startup snapshot: %s\n", reason.c_str());
  std::exit(exit_stale_snapshot);
}

SnapshotFile open_snapshot(const Arguments &arguments) {
  const auto preload = read_preload_files(arguments.preload);
  if (!preload)
    refuse_snapshot(preload.error().message);
  const Digest key = snapshot_key(*preload);
  const std::string path = snapshot_path(arguments.cache_dir, key);
  if (::access(path.c_str(), F_OK) != 0) // as on every first start: nothing to report
    std::exit(exit_stale_snapshot);
  auto file = SnapshotFile::open(path);
  if (!file)
    refuse_snapshot(file.error().message);
  if (file->key() != key)
    refuse_snapshot("its key is not what its name says");
  return std::move(*file);
}

// The time zone comes from files, which a worker can't open any more.
void load_time_zone(v8::Isolate *isolate) {
  const v8::HandleScope handles(isolate);
  const auto context = v8_compat::new_context(isolate);
  const v8::Context::Scope scope(context);
  evaluate(context, "new Date(0).toString()");
}

[[noreturn]] void start(const Arguments &arguments) {
  ignore_stop_signals();
  offer_to_oom_killer();
  arm_faults(std::getenv("LETHE_FAULT"));
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  // These live as long as the process: nothing is destroyed at its end.
  const auto &snapshot = *new SnapshotFile(open_snapshot(arguments));
  auto &arena = *new Arena(arena_bytes);
  start_v8(arena);
  auto &memory = *new MemoryLimits(arguments.memory_mb << 20, arena);
  auto &blob = *new v8::StartupData(snapshot.blob());
  v8::Isolate *isolate =
      new_isolate(blob, external_references(), &memory, arguments.memory_mb << 20);
  isolate->Enter();
  const v8::HandleScope handles(isolate);
  load_time_zone(isolate);
  OpenSsl::instance();
  check_single_thread();
  Entropy::instance(); // its memory must be there before an image is made
  Rewinder *rewinder = nullptr;
  if (arguments.isolation != "reuse")
    rewinder = Rewinder::create(arena, arguments.rewind);
  (new Zygote(isolate, memory, arguments.zygote, FileDescriptor(arguments.control), rewinder))
      ->run();
}

int run(int argc, char **argv) {
  Arguments arguments;
  ZygoteOptions &zygote = arguments.zygote;
  CLI::App app("Runs by itself only as a child of lethed", "lethe-zygote");
  app.set_version_flag("--version", LETHE_VERSION);
  app.add_option("--control", arguments.control, "descriptor of the control channel")->required();
  app.add_option("--cache-dir", arguments.cache_dir, "where startup snapshots are")->required();
  app.add_option("--pool", zygote.pool, "the pool's name")->required();
  app.add_option("--memory-mb", arguments.memory_mb, "limit of a script's memory")->required();
  app.add_option("--max-message-bytes", zygote.limits.max_bytes, "limit of a result")->required();
  app.add_option("--max-depth", zygote.limits.max_depth, "limit of a value's nesting")->required();
  app.add_option("--console-lines", zygote.console.lines, "limit of a request's console output");
  app.add_option("--console-bytes", zygote.console.bytes, "limit of a request's console output");
  app.add_option("--isolation", arguments.isolation, "the pool's isolation")
      ->check(CLI::IsMember({"rewind", "process", "reuse"}));
  app.add_option("--rewind-verify", arguments.rewind.verify, "fraction of rewinds to verify");
  app.add_option("--rewind-max-mb", arguments.rewind_max_mb, "most written memory to put back");
  app.add_option("--rewind-scan", arguments.rewind.image.method, "how changed pages are found")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, ScanMethod>{{"auto", ScanMethod::pagemap_scan},
                                            {"pagemap_scan", ScanMethod::pagemap_scan},
                                            {"pagemap", ScanMethod::pagemap},
                                            {"drop", ScanMethod::drop}}));
  app.add_option("--import-map", zygote.import_map, "file of an import map");
  app.add_option("--preload", arguments.preload, "a file of the startup snapshot, in order");
  CLI11_PARSE(app, argc, argv);
  arguments.rewind.image.most_touched_bytes = arguments.rewind_max_mb << 20;
  zygote.serves_one = arguments.rewind.image.is_for_forks = arguments.isolation == "process";
  const char *sandbox = std::getenv("LETHE_SANDBOX");
  zygote.sandbox = !sandbox || std::string_view(sandbox) != "off";
  start(arguments);
}

} // namespace
} // namespace lethe

int main(int argc, char **argv) {
  lethe::tame_malloc();
  return lethe::run(argc, argv);
}
