// SPDX-License-Identifier: Apache-2.0
// The control channel, forks, and what becomes of the children.
#include "daemon/worker/zygote.h"
#include "daemon/engine/entropy.h"
#include "daemon/engine/garbage.h"
#include "daemon/engine/globals.h"
#include "daemon/engine/interrupts.h"
#include "daemon/engine/script_errors.h"
#include "daemon/engine/surface.h"
#include "daemon/worker/memory/bump_heap.h"
#include "daemon/worker/memory/fault_point.h"
#include "daemon/worker/memory/huge_libraries.h"
#include "daemon/worker/memory/huge_pages.h"
#include "daemon/worker/process_signals.h"
#include "daemon/worker/request_loop.h"
#include "ipc/clock.h"
#include "ipc/packer.h"

#include <cerrno>
#include <cstdio>
#include <deque>
#include <fcntl.h>
#include <fstream>
#include <malloc.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lethe {
namespace {

// A zygote that can't go on says why on standard error, and ends: the master starts another one.
[[noreturn]] void give_up(const std::string &reason, ExitStatus status = exit_failed) {
  std::fprintf(stderr, "lethe-zygote: %s\n", reason.c_str());
  _exit(status);
}

template <typename Message> Message read_or_give_up(std::string_view body) {
  auto message = read_message<Message>(body);
  if (!message)
    give_up(message.error().message, exit_protocol);
  return std::move(*message);
}

FileDescriptor open_child_signals() {
  sigset_t children;
  sigemptyset(&children);
  sigaddset(&children, SIGCHLD);
  sigprocmask(SIG_BLOCK, &children, nullptr);
  FileDescriptor signals(::signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals)
    give_up(system_message("signalfd"));
  return signals;
}

FileDescriptor pidfd_of(pid_t pid) {
  FileDescriptor pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd)
    give_up(system_message("pidfd_open"));
  return pidfd;
}

// The page's size is fixed, so that no worker can cut it under the master.
FileDescriptor make_page_file() {
  FileDescriptor file(::memfd_create("lethe-worker", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file || ::ftruncate(file.get(), ::sysconf(_SC_PAGESIZE)) < 0 ||
      ::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
    give_up(system_message("memfd for a worker's page"));
  return file;
}

WorkerPage &map_page(const FileDescriptor &file) {
  void *page = ::mmap(nullptr, sizeof(WorkerPage), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_POPULATE, file.get(), 0);
  if (page == MAP_FAILED)
    give_up(system_message("mmap of a worker's page"));
  return *static_cast<WorkerPage *>(page);
}

pid_t checked(pid_t forked) {
  if (forked < 0)
    give_up(system_message("fork"));
  return forked;
}

constexpr int idle_ms = 100;

ValueLimits value_limits(const ZygoteSettings &settings) {
  return {static_cast<uint32_t>(settings.max_depth),
          static_cast<size_t>(settings.max_message_bytes)};
}

// The rest is for loading the script, and for the image.
uint64_t warm_up_ns(const ZygoteSettings &settings) {
  return static_cast<uint64_t>(settings.load_deadline_ms) * ns_per_ms / 4;
}

// Refers to the script.
message::LoadedScript report_of(std::string_view name, const Script &script) {
  return {name,
          {script.functions().begin(), script.functions().end()},
          script.warmed_up() ? std::optional(**script.warmed_up()) : std::nullopt,
          0,
          false};
}

} // namespace

Zygote::Zygote(v8::Isolate *isolate, MemoryLimits &memory, const ZygoteSettings &settings,
               uintptr_t arena_begin, FileDescriptor control, Rewinder *rewinder, Startup startup)
    : isolate_(isolate), memory_(memory), settings_(settings), tzdata_(std::move(startup.tzdata)),
      serves_one_(settings.isolation == Isolation::process), names_(isolate), codecs_(isolate),
      control_(std::move(control), Party::master, Channel::Carries::descriptors, UINT32_MAX),
      child_signals_(open_child_signals()), rewinder_(rewinder),
      runner_(isolate, scripts_, memory, value_limits(settings)),
      generation_(isolate, scripts_, runner_, memory, warm_up_ns(settings)) {
  scripts_.use(std::move(startup.preload));
  Modules::attach(isolate_);
  hide_prelude_frames(isolate_);
  Interrupts::instance().attach(isolate_);
  memory_.attach(isolate_);
  if (settings_.sandbox == SandboxMode::off)
    return;
  auto prepared = Sandbox::prepare(
      arena_begin, {.makes_code = !settings_.jitless,
                    .limits_speculation = is_on(settings_.speculation_control, serves_one_)});
  if (!prepared)
    give_up(prepared.error().message);
  sandbox_ = std::move(*prepared);
}

void Zygote::run() {
  end_with_master(control_.descriptor());
  if (process_globals.master < 0)
    give_up(system_message("pidfd_open of the master"));
  read_import_map();
  if (scripts_.preload().is_empty())
    runner_.prepare_eval();
  confine();
  if (!scripts_.preload().is_empty()) { // closed, as these files are elsewhere, too
    evaluate_preload();
    runner_.prepare_eval();
  }
  end_learning();
  take_image();
  say_ready();
  for (;;) {
    Frame frame;
    while (true) {
      const Channel::Status status = control_.next(frame, PeerState::ready);
      if (status == Channel::Status::again)
        break;
      if (status != Channel::Status::ok)
        give_up(control_.flaw(), exit_protocol);
      serve_frame(frame);
    }
    pollfd poll_for[] = {{control_.descriptor(), POLLIN, 0}, {child_signals_.get(), POLLIN, 0}};
    // Generation 0 has to be there soon after the start: it prepares when it has nothing to do.
    const int ready = ::poll(poll_for, 2, has_prepared_forks_ || rewinds() ? -1 : idle_ms);
    if (ready == 0)
      prepare_forks();
    if (ready <= 0)
      continue; // or a signal
    if (poll_for[1].revents != 0)
      reap();
    // Workers end by themselves when the master is gone; a grown zygote has a channel of its own.
    if (poll_for[0].revents != 0 && control_.receive() == Channel::Status::closed)
      end_after_master();
  }
}

void Zygote::read_import_map() {
  if (settings_.import_map.empty())
    return;
  std::ifstream file(settings_.import_map);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  const v8::HandleScope handles(isolate_);
  const auto context = new_context(isolate_);
  const v8::Context::Scope scope(context);
  auto map = file ? ImportMap::parse(context, text)
                  : Error(ErrorCode::invalid_request, "it cannot be read");
  if (map)
    return scripts_.use(std::move(*map));
  const Error error(ErrorCode::invalid_request,
                    "the import map " + settings_.import_map + ": " + map.error().message);
  say_load_failed("import_map", {error, {}});
  _exit(exit_clean);
}

// The snapshot's builder has evaluated them, but perhaps with more than this pool's scripts may have.
void Zygote::evaluate_preload() {
  const v8::HandleScope handles(isolate_);
  const auto failed = scripts_.preload().evaluate(new_context(isolate_));
  if (!failed)
    return;
  say_load_failed("preload", {*failed, {}});
  _exit(exit_clean);
}

// Before it has anything of a stranger's. All later zygotes are forked from here.
void Zygote::confine() {
  if (!sandbox_)
    return;
  huge_page_bytes();     // which is in a file
  if (settings_.jitless) // later the libraries' code can't be mapped anew
    prepare_forks();
  const bool is_whole = sandbox_->confine();
  is_confined_ = true;
  end_with_master(control_.descriptor()); // the kernel may have forgotten it with the privileges
  if (is_whole || settings_.sandbox != SandboxMode::required)
    return;
  std::string failed;
  for (const Layer &layer : sandbox_->layers())
    if (layer.state == Layer::State::failed)
      failed += " " + layer.name + ": " + layer.why + ";";
  const Error error(ErrorCode::internal, "sandbox = \"required\", but not all of it comes up:" +
                                             failed + " lethe-zygote --sandbox-check tells more");
  say_load_failed("sandbox", {error, {}});
  _exit(exit_clean);
}

void Zygote::serve_frame(const Frame &frame) {
  if (frame.type == MessageType::fork)
    fork_worker(frame.sequence, read_or_give_up<message::Fork>(frame.body));
  else // Channel lets nothing else of the master through
    grow(frame);
}

// --- workers -----------------------------------------------------------------------------------

void Zygote::fork_worker(uint32_t sequence, const message::Fork &wanted) {
  auto sockets = make_socket_pair();
  if (!sockets)
    give_up(sockets.error().message);
  const FileDescriptor page_file = make_page_file();
  if (serves_one_ && !wanted.debugs)
    working_set_.before_fork();
  const bool has_working_set = serves_one_ && !wanted.debugs;
  std::vector<int> kept; // else empty: it has no memory that a worker might lose
  if (has_working_set)
    kept.push_back(sockets->ends[1].get());
  pid_t pid = 0;
  {
    const SignalsBlocked blocked;
    // One thread needs no more than _Fork(). What else fork() does in the child would touch pages
    // that are not there yet, each by a page fault.
    pid = checked(::_Fork());
    if (pid == 0 && has_working_set)
      working_set_.bring_in(kept);
  }
  if (pid == 0)
    become_worker(std::move(sockets->ends[1]), page_file, wanted.debugs, std::move(kept));
  working_set_.after_fork(pid);
  const FileDescriptor pidfd = pidfd_of(pid);
  int descriptors[] = {pidfd.get(), sockets->ends[0].get(), page_file.get()};
  if (fault_point("zygote.foreign_pidfd")) // as one that was broken into
    descriptors[0] = process_globals.master;
  say(sequence, message::WorkerForked{wanted.id, fault_point("zygote.foreign_pid") ? 1 : pid},
      descriptors);
}

void Zygote::become_worker(FileDescriptor socket, const FileDescriptor &page_file, bool debugs,
                           std::vector<int> kept) {
  const bool is_layered = has_layers_ && rewinds();
  Rewinder *rewinder = rewinds() && (!debugs || is_layered) ? rewinder_ : nullptr;
  // Files are opened before the sandbox is there: it closes all other descriptors and lets none be
  // opened.
  if (rewinder && !rewinder->open_files())
    rewinder = nullptr;
  // Layers are of memory as it was when the image was made, and what a worker's start makes of it.
  if (is_layered) {
    if (!rewinder || !rewinder->return_to_checkpoint())
      give_up("a worker can't have the image that its scripts' layers belong to");
    memory_.note_baseline(spare_heap_bytes_);
  }
  ::prctl(PR_SET_NAME, "lethe-worker");
  if (rewinder_)
    begin_bump_allocation();
  WorkerPage &page = map_page(page_file);
  end_with_master(socket.get());
  if (debugs) // a debugger's own data may be as large as the script's; the heap's limit holds
    Debugger::watch(socket.get());
  else
    memory_.limit_process();
  const int channel = socket.get();
  RequestLoop &loop = make_loop(std::move(socket), page, rewinder);
  if (kept.empty())
    kept.push_back(channel);
  if (rewinder)
    kept.insert(kept.end(), {rewinder->files().pagemap, rewinder->files().statm});
  if (is_layered)
    kept.insert(kept.end(),
                {rewinder->files().image, rewinder->files().own, rewinder->layers()->reader()});
  // Nothing of the master's or of a sibling's may be reached from here.
  auto closed = !sandbox_ ? close_all_but(kept)
                : debugs  ? sandbox_->apply_for_profiler(kept)
                          : sandbox_->apply(kept);
  if (!closed)
    give_up(closed.error().message);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (serves_one_)
    loop.use(working_set_);
  const auto make_debugger = [this, &loop]() -> Debugger & {
    end_bump_allocation(); // the profiler has threads
    return *new Debugger(isolate_, scripts_, runner_, loop, loop, value_limits(settings_).max_bytes,
                         [this](std::string_view name, const Generation::ContextMade &made) {
                           return generation_.load_again(name, made);
                         });
  };
  if (debugs)
    loop.debug(make_debugger);
  else
    loop.run();
}

void Zygote::set_worker_last_words(WorkerPage &page) {
  memory_.set_last_words(
      [](void *context) {
        static_cast<WorkerPage *>(context)->death_reason.store(DeathReason::memory_limit);
      },
      &page);
}

// All that a worker's start writes to memory before it is adopted, as layers build on that.
RequestLoop &Zygote::make_loop(FileDescriptor socket, WorkerPage &page, Rewinder *rewinder) {
  process_globals.page = &page;
  Entropy::instance().discard();
  Interrupts::instance().begin_worker(page);
  set_worker_last_words(page);
  // What a client may send as arguments has passed the master's limit; the envelope is ours.
  Channel channel(std::move(socket), Party::master, Channel::Carries::frames, UINT32_MAX);
  auto &loop = *new RequestLoop(isolate_, std::move(channel), page, runner_, memory_,
                                value_limits(settings_), settings_);
  if (rewinder) // before the sandbox, which does not allow to map an overlay
    loop.use(*rewinder, [this](std::string_view script) { return generation_.load_cold(script); });
  return loop;
}

// What each worker that serves one request would otherwise do in that one's time. Those that rewind
// do it once.
void Zygote::prepare_forks() {
  if (has_prepared_forks_ || rewinds())
    return;
  if (!settings_.jitless || !is_confined_)
    move_libraries_to_huge_pages();
  has_prepared_forks_ = true;
}

// --- generations -------------------------------------------------------------------------------

void Zygote::grow(const Frame &frame) {
  FileDescriptor control = control_.take_descriptor();
  const uint32_t generation = read_or_give_up<message::Grow>(frame.body).generation;
  pid_t pid = 0;
  {
    const SignalsBlocked blocked;
    pid = checked(::fork());
  }
  if (pid == 0) {
    become_generation(std::move(control), std::string(frame.body));
    return;
  }
  const FileDescriptor pidfd = pidfd_of(pid);
  const int descriptors[] = {pidfd.get()};
  say(frame.sequence, message::ZygoteForked{generation, pid}, descriptors);
}

void Zygote::become_generation(FileDescriptor control, const std::string &grow_body) {
  // Where all that is new goes into layers, which belong to the image, nothing runs here, and no more memory
  // need be written than that takes.
  const bool is_image_kept = has_layers_ && layers();
  if (!is_image_kept) {
    end_bump_allocation();
    begin_learning();
  }
  control_ = Channel(std::move(control), Party::master, Channel::Carries::descriptors, UINT32_MAX);
  end_with_master(control_.descriptor());
  Entropy::instance().discard();
  memory_.set_last_words(
      [](void *context) {
        auto &self = *static_cast<Zygote *>(context);
        self.say_load_failed(self.generation_.present(), self.runner_.out_of_memory());
      },
      this);
  memory_.limit_loading(grow_body.size());
  generation_.take(read_or_give_up<message::Grow>(grow_body), layers(),
                   static_cast<size_t>(settings_.scripts_in_image));
  if (fault_point("zygote.forbidden"))
    ::socket(AF_UNIX, SOCK_STREAM, 0);
  const auto failed = generation_.load([this](std::string_view script) { say_loading(script); });
  if (failed) {
    say_load_failed(failed->script, failed->failure);
    _exit(exit_clean);
  }
  memory_.set_last_words(nullptr, nullptr);
  working_set_ = WorkingSet();
  writers_.clear();
  serves_one_ = settings_.isolation == Isolation::process;
  if (!is_image_kept) {
    end_learning();
    if (layers() && layers()->is_used() && !generation_.is_part())
      prepare_for_layers();
    collect_garbage();
    take_image();
  }
  prepare_forks();
  if (const auto failure = load_layers()) {
    control_.begin(0, message::LoadFailed{.script = failure->script}).append(failure->error_map);
    control_.end();
    flush();
    _exit(exit_clean);
  }
  say_ready();
}

// --- layers ------------------------------------------------------------------------------------

// The image that is taken next stays: all further scripts are loaded upon it.
void Zygote::prepare_for_layers() {
  has_layers_ = true;
  scripts_.make_spare_context(isolate_);
  spare_heap_bytes_ = static_cast<size_t>(settings_.memory_mb) << 20;
}

// A failure is the end where this generation is strict.
std::optional<Zygote::LayerFailure> Zygote::load_layers() {
  loaded_layers_.clear();
  layer_failures_.clear();
  loading_.clear();
  const Generation::Layers waiting = generation_.take_layers();
  const bool is_strict = generation_.is_strict();
  for (size_t i = 0; i < waiting.names.size();) {
    const size_t first = i, end = std::min(i + most_layers_in_turn, waiting.names.size());
    LayersInTurn layers;
    for (; i < end; ++i)
      layers.add(waiting.names[i], {is_strict, i >= waiting.new_count});
    i = first + load_in_turn(layers);
    if (is_strict && !layer_failures_.empty())
      return std::move(layer_failures_.front());
  }
  return std::nullopt;
}

Error Zygote::too_large(std::string_view name, size_t layer_bytes) const {
  constexpr size_t megabyte = size_t{1} << 20;
  return {ErrorCode::memory_limit,
          std::string(name) + " takes " + std::to_string((layer_bytes + megabyte - 1) / megabyte) +
              " MB once it is loaded, and pool." + settings_.pool + ".resident_scripts_mb is " +
              std::to_string(settings_.resident_scripts_mb) +
              ": raise that, or let the script make its data when it needs them"};
}

bool Zygote::LayersInTurn::open(FileDescriptor *files) const {
  for (size_t i = 0; i < 2 * count_; ++i) {
    files[i].reset(::memfd_create("lethe-layer", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!files[i])
      return false;
  }
  return true;
}

// In a process of their own, whose memory is the image's, and with a worker's start. How many of them it has
// come to an end with; of the last one that may be a failure, whoever follows wants another process.
size_t Zygote::load_in_turn(const LayersInTurn &layers) {
  int ends[2] = {-1, -1};
  FileDescriptor files[2 * most_layers_in_turn];
  const bool has_files = !this->layers() || (layers.open(files) && ::pipe2(ends, O_CLOEXEC) == 0);
  const FileDescriptor from_writer(ends[0]);
  FileDescriptor to_zygote(ends[1]);
  const FileDescriptor page_file = make_page_file();
  say_loading(layers.name(0));
  const pid_t pid = has_files && this->layers() ? ::fork() : -1;
  if (pid == 0)
    write_layers(layers, files, to_zygote, page_file);
  if (pid < 0) {
    note_failure(layers.name(0),
                 this->layers()
                     ? Error(ErrorCode::memory_limit, system_message("a layer of memory"))
                     // The image could not be taken: who calls the script is told why.
                     : Error(ErrorCode::memory_limit, "memory can't be rewound, and the pool has "
                                                      "more scripts than go without"));
    return 1;
  }
  to_zygote.reset();
  for (size_t i = 0; i < layers.count(); ++i) {
    if (i > 0)
      say_loading(layers.name(i));
    char done = 0;
    ssize_t got = 0;
    while ((got = ::read(from_writer.get(), &done, 1)) < 0 && errno == EINTR) {
    }
    std::optional<int> status;
    if (got <= 0) {
      status = 0;
      while (::waitpid(pid, &*status, 0) < 0 && errno == EINTR) {
      }
      if (i > 0 && *status == 0) // it could not go back
        return i;
    }
    if (!take_layer(layers.name(i), layers.task(i), files[2 * i], files[2 * i + 1], status) ||
        status) {
      if (!status)
        writers_.push_back(pid);
      return i + 1;
    }
  }
  writers_.push_back(pid);
  return layers.count();
}

void Zygote::note_failure(std::string_view name, const Error &error) {
  Buffer map;
  write_error(map, error, {});
  layer_failures_.push_back({std::string(name), std::string(map.view())});
}

// What was written there, by a process that has ended with this status, or goes on to the next one.
bool Zygote::take_layer(std::string_view name, LayerTask task, const FileDescriptor &layer,
                        const FileDescriptor &report, std::optional<int> status) {
  // It has run a stranger's script: nothing of it may change these any more.
  struct stat layer_file {
  }, report_file{};
  std::string told;
  const bool is_told = seal_forever(layer.get()) && seal_forever(report.get()) &&
                       ::fstat(layer.get(), &layer_file) == 0 &&
                       ::fstat(report.get(), &report_file) == 0;
  if (is_told && report_file.st_size > 0) {
    told.resize(static_cast<size_t>(report_file.st_size));
    if (::pread(report.get(), told.data(), told.size(), 0) != report_file.st_size)
      told.clear();
  }
  const auto failed = [&](const Error &error) {
    note_failure(name, error);
    return false;
  };
  if (status && WIFEXITED(*status) && WEXITSTATUS(*status) == exit_failed &&
      is_one_value(told, 64)) {
    layer_failures_.push_back({std::string(name), std::move(told)});
    return false;
  }
  const auto loaded = message::unpack<message::Record<message::LoadedLayer>>(told);
  if (status.value_or(0) != 0 || !loaded || loaded->script.name != name ||
      layer_file.st_size == 0) {
    const int ended = status.value_or(0);
    const bool is_violation = WIFSIGNALED(ended) && WTERMSIG(ended) == SIGSYS;
    return failed(
        Error(is_violation ? ErrorCode::sandbox_violation : ErrorCode::worker_crashed,
              std::string(name) + " was being loaded when the process died: " +
                  (WIFSIGNALED(ended) ? "signal " + std::to_string(WTERMSIG(ended))
                                      : "exit status " + std::to_string(WEXITSTATUS(ended))))
            .with("phase", "loading"));
  }
  const auto bytes = static_cast<size_t>(layer_file.st_size);
  if (task.is_strict && bytes > layers()->most_layer_bytes())
    return failed(too_large(name, bytes));
  const bool is_kept = layers()->has_room(name, bytes);
  loaded_layers_.push_back({message::Kept(*loaded), bytes, is_kept});
  LayerStore::Record record{};
  layers()->find(name, record);
  const Buffer imports = Generation::pack_imports(loaded->imports);
  const auto stored =
      layers()->put(name, record.definition, imports.view(), layer, is_kept ? bytes : 0);
  return stored || failed(stored.error());
}

namespace {

// Of one script, for its zygote.
struct LayerReport {
  const FileDescriptor &file;
  bool write(const Buffer &text) const {
    const auto begin = reinterpret_cast<uintptr_t>(text.view().data());
    return copy_to_file({begin, begin + text.view().size()}, file.get(), 0);
  }
  [[noreturn]] void fail(const RunFailure &failure) const {
    Buffer map;
    write_error(map, failure.error, failure.raw);
    write(map);
    _exit(exit_failed);
  }
};

} // namespace

// Here and below only what lies on the stack may be used of what was there before.
void Zygote::write_layers(const LayersInTurn &layers, const FileDescriptor *files,
                          const FileDescriptor &to_zygote, const FileDescriptor &page_file) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  Rewinder &rewinder = *rewinder_;
  rewinder.layers()->close();
  if (!rewinder.open_files() || !rewinder.return_to_checkpoint())
    give_up("a layer can't be written: " + system_message("its image"));
  begin_bump_allocation();
  WorkerPage &page = map_page(page_file);
  RequestLoop &loop = make_loop(FileDescriptor(), page, &rewinder);
  for (size_t i = 0; i < layers.count(); ++i) {
    write_layer(layers.name(i), layers.task(i), files[2 * i], files[2 * i + 1], page, loop);
    const bool is_last = i + 1 == layers.count();
    if (::write(to_zygote.get(), "", 1) != 1 || is_last || !rewinder.forget_layer())
      break;
  }
  _exit(exit_clean);
}

// Leaves nothing on the heap that the caller has.
void Zygote::write_layer(std::string_view name, LayerTask task, const FileDescriptor &layer,
                         const FileDescriptor &report_file, WorkerPage &page, RequestLoop &loop) {
  Rewinder &rewinder = *rewinder_;
  end_bump_allocation(); // what is freed is to be found by who comes later
  Host::attach(isolate_, nullptr);
  begin_learning();
  struct LastWords {
    Runner &runner;
    LayerReport report;
  } last_words{runner_, {report_file}};
  const LayerReport &report = last_words.report;
  memory_.set_last_words(
      [](void *context) {
        const auto &self = *static_cast<LastWords *>(context);
        self.report.fail(self.runner.out_of_memory());
      },
      &last_words);
  LayerStore::Record record{};
  rewinder.layers()->find(name, record);
  memory_.limit_loading(record.definition.size());
  generation_.take({}, rewinder.layers(), 0);
  if (auto failure = generation_.load_alone(name, task.is_strict)) {
    if (task.is_importer)
      failure->error.message.insert(0, std::string(name) + ", which imports it: ");
    report.fail(*failure);
  }
  const Script &script = *scripts_.find(name);
  {
    const message::LoadedLayer loaded{.script = report_of(name, script),
                                      .imports = script.modules().names()};
    Buffer text;
    message::Record<message::LoadedLayer>::write(text, loaded);
    if (!report.write(text))
      _exit(exit_failed);
  }
  end_learning();
  // To move a few young objects would change more than they take.
  constexpr size_t few_bytes = size_t{512} << 10;
  if (young_bytes(isolate_) > few_bytes)
    collect_young_garbage(isolate_);
  set_worker_last_words(page);
  Host::attach(isolate_, &loop);
  ::malloc_trim(size_t{1} << 40); // but for the top of the heap, whose end stays where it is
  begin_bump_allocation();
  if (const auto written = rewinder.write_layer(layer); !written)
    report.fail({written.error(), {}});
}

// Once, though it may be begun again in another process.
void Zygote::say_loading(std::string_view script) {
  if (std::exchange(loading_, script) == script)
    return;
  control_.add(0, message::Loading{script});
  flush();
}

// --- what the master is told -------------------------------------------------------------------

void Zygote::say_load_failed(std::string_view name, const RunFailure &failure) {
  write_error(control_.begin(0, message::LoadFailed{.script = name}), failure.error, failure.raw);
  control_.end();
  flush();
}

template <typename Message, size_t descriptors>
void Zygote::say(uint32_t sequence, const Message &message, const int (&sent)[descriptors]) {
  if (control_.send(sequence, message, sent) != Channel::Status::ok)
    end_after_master();
}

// What V8 makes while scripts are loaded and warmed up, each request finds. What it would make in a
// request is forgotten with it, but where requests follow each other in one world.
void Zygote::begin_learning() {
  if (!settings_.jitless)
    make_baseline_code(true);
}

void Zygote::end_learning() {
  if (!settings_.jitless && settings_.isolation != Isolation::reuse)
    make_baseline_code(false);
}

// What loading left behind need not be in the image. With many scripts a collection of everything
// takes longer than it is worth; and it takes code away that a warm-up had compiled.
void Zygote::collect_garbage() {
  constexpr size_t small_heap_bytes = size_t{16} << 20;
  if (!rewinds())
    return;
  v8::HeapStatistics heap;
  isolate_->GetHeapStatistics(&heap);
  if (generation_.has_warmed_up())
    collect_young_garbage(isolate_);
  else if (heap.used_heap_size() <= small_heap_bytes)
    lethe::collect_garbage(isolate_);
}

// Where rewinding is not possible, workers serve one request each. The next generation tries again,
// as the kernel may have been short of memory, or this process of descriptors.
void Zygote::take_image() {
  if (!rewinder_)
    return;
  auto good = rewinder_->checkpoint(spare_heap_bytes_);
  if (good && rewinds())
    good = rewinder_->self_test([](void *self) { static_cast<Zygote *>(self)->run_self_test(); },
                                this);
  if (good)
    return begin_bump_allocation();
  std::fprintf(stderr, "lethe-zygote: %s: %s\n",
               rewinds() ? "memory can't be rewound, each worker serves one request"
                         : "forks take longer than they need",
               good.error().message.c_str());
  serves_one_ = true;
}

void Zygote::run_self_test() {
  Buffer result;
  Runner::Waiter nobody;
  Host::attach(isolate_, nullptr);
  runner_.eval("globalThis.leak = [...'leak'].map((c) => ({ c })); Array.prototype.leak = "
               "/(l)eak/.exec('leak');",
               "\xc0", result, nobody);
}

void Zygote::say_ready() {
  memory_.note_baseline(spare_heap_bytes_);
  say_confinement();
  message::Ready ready{.generation = generation_.number(),
                       .v8_version = v8::V8::GetVersion(),
                       .tzdata = tzdata_,
                       .image_bytes =
                           rewinds() ? static_cast<int64_t>(rewinder_->image_bytes()) : 0};
  LayerStore::Record record{};
  for (const auto &[name, script] : scripts_.all())
    if (!has_layers_ || !layers() || !layers()->find(name, record))
      ready.scripts.push_back(report_of(name, *script));
  for (const LoadedLayer &loaded : loaded_layers_) {
    ready.scripts.push_back(loaded.report->script);
    ready.scripts.back().layer_bytes = static_cast<int64_t>(loaded.bytes);
    ready.scripts.back().is_cold = !loaded.is_kept;
  }
  if (layers()) {
    ready.layer_bytes = static_cast<int64_t>(layers()->layer_bytes());
    ready.layer_garbage_bytes = static_cast<int64_t>(layers()->garbage_bytes());
  }
  for (const LayerFailure &failure : layer_failures_)
    ready.failures.emplace_back(failure.script, failure.error_map);
  std::deque<Buffer> errors;
  for (const auto &[name, failure] : generation_.failures()) {
    write_error(errors.emplace_back(), failure.error, failure.raw);
    ready.failures.emplace_back(name, errors.back().view());
  }
  control_.add(0, ready);
  flush();
}

void Zygote::say_confinement() {
  const std::vector<Layer> all = sandbox_ ? sandbox_->layers() : std::vector<Layer>();
  std::vector<std::string_view> layers;
  std::deque<std::string> missing;
  for (const Layer &layer : all)
    if (layer.state == Layer::State::in_force)
      layers.push_back(layer.name);
    else
      missing.push_back(layer.name + ": " + layer.why);
  control_.add(0,
               message::Confinement{.layers = layers, .missing = {missing.begin(), missing.end()}});
}

void Zygote::reap() {
  signalfd_siginfo ignored;
  while (::read(child_signals_.get(), &ignored, sizeof ignored) > 0) {
  }
  int status = 0;
  rusage usage{};
  for (pid_t pid; (pid = ::wait4(-1, &status, WNOHANG, &usage)) > 0;) {
    if (std::erase(writers_, pid) > 0) // the master knows nothing of them
      continue;
    const auto microseconds = [](const timeval &time) {
      return int64_t{time.tv_sec} * 1'000'000 + time.tv_usec;
    };
    working_set_.take(pid);
    control_.add(
        0, message::Exited{.pid = pid,
                           .wait_status = status,
                           .cpu_us = microseconds(usage.ru_utime) + microseconds(usage.ru_stime),
                           .max_rss_kb = usage.ru_maxrss});
  }
  flush();
}

void Zygote::flush() {
  if (control_.flush_all() != Channel::Status::ok)
    end_after_master();
}

} // namespace lethe
