// SPDX-License-Identifier: Apache-2.0
// lethe-zygote: started by lethed with a control channel; opens the startup snapshot, starts V8,
// and becomes the zygote of generation 0.
#include "daemon/engine/code_events.h"
#include "daemon/engine/entropy.h"
#include "daemon/engine/memory/arena.h"
#include "daemon/engine/surface.h"
#include "daemon/natives/natives.h"
#include "daemon/natives/openssl.h"
#include "daemon/worker/memory/fault_point.h"
#include "daemon/worker/process_signals.h"
#include "daemon/worker/sandbox.h"
#include "daemon/worker/zygote.h"
#include "ipc/invariant.h"
#include "snapshot/cache.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <malloc.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lethe {
namespace {

// Of address space, for V8's heap, code and WebAssembly memories; touched pages alone cost memory.
constexpr size_t arena_bytes = size_t{16} << 30;

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

struct Opened {
  SnapshotFile snapshot;
  Startup startup;
};

Opened open_snapshot(const ZygoteSettings &settings) {
  auto preload = read_preload_files(settings.preload);
  if (!preload)
    refuse_snapshot(preload.error().message);
  const Digest key = snapshot_key(*preload);
  const std::string path = snapshot_path(settings.cache_dir, key);
  if (::access(path.c_str(), F_OK) != 0) // as on every first start: nothing to report
    std::exit(exit_stale_snapshot);
  auto file = SnapshotFile::open(path);
  if (!file)
    refuse_snapshot(file.error().message);
  if (file->key() != key)
    refuse_snapshot("its key is not what its name says");
  auto tzdata = use_time_zones(zone_folder(path));
  if (!tzdata)
    refuse_snapshot(tzdata.error().message);
  Opened opened{std::move(*file), {.tzdata = std::move(*tzdata), .preload = {}}};
  if (!opened.snapshot.holds_preload()) {
    std::vector<Preload::File> files;
    for (PreloadFile &each : *preload)
      files.push_back({script_name(each), std::move(each.text)});
    opened.startup.preload = Preload(std::move(files));
  }
  return opened;
}

// The time zone comes from files, which a worker can't open any more.
void load_time_zone(v8::Isolate *isolate) {
  const v8::HandleScope handles(isolate);
  const auto context = new_context(isolate);
  const v8::Context::Scope scope(context);
  evaluate(context, "new Date(0).toString()");
}

Surface surface_of(const ZygoteSettings &settings) {
  return {.jitless = settings.jitless,
          .wasm = settings.wasm,
          .code_from_strings = settings.code_from_strings,
          .shared_memory = settings.shared_memory};
}

uint64_t random_number() {
  uint64_t number = 0;
  invariant(::getrandom(&number, sizeof number, 0) == sizeof number, "the kernel has random bytes");
  return number;
}

[[noreturn]] void start(const ZygoteSettings &settings, FileDescriptor control) {
  ignore_stop_signals();
  offer_to_oom_killer();
  // V8 prints warnings of its own there (of `assert` in imports, for one). With a buffer the C library
  // would first ask what it is, which the sandbox forbids.
  std::setvbuf(stdout, nullptr, _IONBF, 0);
  arm_faults(std::getenv("LETHE_FAULT"));
  const rlimit no_core{1, 1}; // not 0, with which a kernel that pipes cores to a program does so
  ::setrlimit(RLIMIT_CORE, &no_core);
  // These live as long as the process: nothing is destroyed at its end.
  const auto &opened = *new Opened(open_snapshot(settings));
  auto &arena = *new Arena(arena_bytes);
  const Surface surface = surface_of(settings);
  start_v8(arena, surface_flags(surface));
  if (is_on(settings.coarse_clocks, settings.isolation == Isolation::process))
    platform().script_clock().coarsen(ScriptClock::coarse_step_ns, random_number());
  const size_t memory_bytes = static_cast<size_t>(settings.memory_mb) << 20;
  auto &memory = *new MemoryLimits(memory_bytes, arena);
  auto &blob = *new v8::StartupData(opened.snapshot.blob());
  v8::Isolate *isolate = new_isolate(blob, external_references(), &memory, memory_bytes);
  isolate->Enter();
  limit_surface(isolate, surface);
  const v8::HandleScope handles(isolate);
  new CodeEvents(isolate);
  load_time_zone(isolate);
  OpenSsl::instance();
  check_single_thread();
  Entropy::instance(); // its memory must be there before an image is made
  Rewinder *rewinder = nullptr;
  if (settings.isolation != Isolation::reuse) {
    rewinder = Rewinder::create(arena, settings);
    invariant(rewinder, "there is memory for the rewind's books", {"errno", errno});
  }
  (new Zygote(isolate, memory, settings, arena.begin(), std::move(control), rewinder,
              opened.startup))
      ->run();
}

// Closes this process as a zygote, and a child of it as a worker, and prints what came up. Fails where
// `sandbox = "required"` would: what the kernel or the processor does not have is said only.
[[noreturn]] void check_sandbox() {
  const Arena arena(size_t{1} << 20);
  auto prepared = Sandbox::prepare(arena.begin(), {.limits_speculation = true});
  if (!prepared) {
    std::fprintf(stderr, "lethe-zygote: %s\n", prepared.error().message.c_str());
    _exit(1);
  }
  Sandbox &sandbox = *prepared;
  sandbox.confine();
  const pid_t worker = ::fork();
  if (worker == 0)
    _exit(sandbox.apply({}) ? exit_clean : exit_failed);
  int status = -1;
  ::waitpid(worker, &status, 0);
  bool is_whole = status == 0;
  for (const Layer &layer : sandbox.layers()) {
    is_whole = is_whole && layer.state != Layer::State::failed;
    std::printf("%-32s %s%s\n", layer.name.c_str(),
                layer.state == Layer::State::in_force   ? "in force"
                : layer.state == Layer::State::not_here ? "not here: "
                                                        : "failed: ",
                layer.why.c_str());
  }
  std::printf("%-32s %s\n", "worker", status == 0 ? "closed" : "does not close");
  std::fflush(stdout);
  _exit(is_whole ? 0 : 1);
}

template <Named Enumeration> CLI::Validator name_to_value() {
  std::map<std::string, Enumeration> values;
  for (const auto &row : names_of<Enumeration>)
    values.emplace(row.name, row.value);
  return CLI::CheckedTransformer(values);
}

// Each must be given: the defaults are the master's. A list of none is no argument.
void add_options(CLI::App &app, ZygoteSettings &settings) {
  for_each_told(settings, [&app]<typename Field>(const ToldSetting &row, Field &field) {
    CLI::Option *option = app.add_option(row.argument(), field, std::string(row.help));
    if constexpr (Named<Field>)
      option->transform(name_to_value<Field>());
    option->required(!std::is_same_v<Field, setting::Texts>);
  });
}

int run(int argc, char **argv) {
  int control = -1;
  ZygoteSettings settings;
  CLI::App app("Runs by itself only as a child of lethed", "lethe-zygote");
  app.set_version_flag("--version", LETHE_VERSION);
  // It needs no setting, which are required.
  app.add_flag_callback("--sandbox-check", check_sandbox,
                        "Tries the sandbox and prints each layer; exit status 0: none has failed")
      ->trigger_on_parse();
  app.add_option("--control", control, "descriptor of the control channel")->required();
  add_options(app, settings);
  CLI11_PARSE(app, argc, argv);
  start(settings, FileDescriptor(control));
}

} // namespace
} // namespace lethe

int main(int argc, char **argv) {
  lethe::tame_malloc();
  return lethe::run(argc, argv);
}
