// SPDX-License-Identifier: Apache-2.0
// The child evaluates and reports in MessagePack over a pipe; the parent holds the deadline and
// makes sense of how the child ended.
#include "snapshot/builder.h"
#include "daemon/confinement/confinement.h"
#include "daemon/confinement/system_call_filter.h"
#include "daemon/engine/engine.h"
#include "daemon/engine/entropy.h"
#include "daemon/engine/memory/arena.h"
#include "daemon/engine/names.h"
#include "daemon/engine/script_errors.h"
#include "daemon/natives/codecs.h"
#include "daemon/natives/natives.h"
#include "daemon/natives/prelude.h"
#include "daemon/natives/prelude_groups.h"
#include "daemon/natives/random_state.h"
#include "ipc/buffer.h"
#include "ipc/error_map.h"
#include "ipc/file_descriptor.h"
#include "ipc/files.h"
#include "ipc/invariant.h"
#include "ipc/message_pack.h"
#include "ipc/packer.h"
#include "ipc/wait_status.h"
#include "ipc/words.h"
#include "snapshot/leftovers.h"
#include "snapshot/system_calls.h"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <fcntl.h>
#include <new>
#include <poll.h>
#include <set>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

namespace lethe {
namespace {

constexpr size_t arena_bytes = size_t{4} << 30; // of address space
constexpr int exit_out_of_memory = 73;          // the child's, when V8 gives up

enum class Report : uint8_t { evaluating, failed, unstorable, serializing, built };

// --- in the child ------------------------------------------------------------------------------

class Reporter {
public:
  explicit Reporter(int pipe) : pipe_(pipe) {}

  // Told before each file is evaluated, so that the parent knows which one ended the process.
  void evaluating(std::string_view name) {
    Packer packer(begin(Report::evaluating));
    pack_string(packer, name);
    send();
  }
  void serializing() {
    begin(Report::serializing);
    send();
  }
  void unstorable(std::string_view what) {
    Packer packer(begin(Report::unstorable));
    pack_string(packer, what);
    send();
  }
  void failed(const Error &error) {
    write_error(begin(Report::failed), error);
    send();
  }
  void built(const std::vector<std::string> &globals, std::string_view blob) {
    Packer packer(begin(Report::built));
    packer.pack_array(static_cast<uint32_t>(globals.size()));
    for (const std::string &name : globals)
      pack_string(packer, name);
    packer.pack_bin(static_cast<uint32_t>(blob.size()));
    packer.pack_bin_body(blob.data(), static_cast<uint32_t>(blob.size()));
    send();
  }

private:
  Buffer &begin(Report report) {
    Packer(buffer_).pack_uint8(static_cast<uint8_t>(report));
    return buffer_;
  }
  void send() {
    if (!write_all(pipe_, buffer_.view(), "the pipe to the parent"))
      _exit(1);
    buffer_.clear();
  }

  int pipe_;
  Buffer buffer_;
};

// Runs a classic script; its completion value, or the error.
Result<v8::Local<v8::Value>> evaluate(v8::Local<v8::Context> context, std::string_view name,
                                      std::string_view text) {
  v8::Isolate *isolate = context->GetIsolate();
  v8::TryCatch caught(isolate);
  v8::ScriptCompiler::Source source(
      to_string(isolate, text), v8_compat::script_origin(isolate, to_string(isolate, name), false));
  v8::Local<v8::Script> script;
  if (!v8::ScriptCompiler::Compile(context, &source).ToLocal(&script))
    return describe_compile_error(context, caught, name);
  v8::Local<v8::Value> result;
  if (!script->Run(context).ToLocal(&result)) {
    Error error = describe_thrown(context, caught.Exception(), caught.Message());
    add_source_line(context, caught.Message(), error);
    return error;
  }
  isolate->PerformMicrotaskCheckpoint();
  return result;
}

// Names of built-ins, "Object.hasOwn " and "Array.prototype.at " for instance.
constexpr std::string_view list_built_ins = R"js((() => {
  let names = '';
  const list = (path, object) => {
    if (Object(object) === object)
      for (const key of Object.getOwnPropertyNames(object)) names += `${path}.${key} `;
  };
  list('TypedArray.prototype', Object.getPrototypeOf(Int8Array.prototype));
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    const value = globalThis[name];
    names += `${name} `;
    list(name, value);
    list(`${name}.prototype`, value?.prototype);
  }
  return names;
})())js";

// What V8 has. In a context that goes into a snapshot it leaves out what a flag can turn off, be it
// on by default: each context made from the snapshot gets that again.
std::string built_ins(v8::ArrayBuffer::Allocator *allocator) {
  v8::Isolate::CreateParams parameters;
  parameters.array_buffer_allocator = allocator;
  v8_compat::limit_code(parameters.constraints);
  v8::Isolate *isolate = v8::Isolate::New(parameters);
  std::string names;
  {
    const v8::Isolate::Scope isolate_scope(isolate);
    const v8::HandleScope handles(isolate);
    const auto context = v8::Context::New(isolate);
    const v8::Context::Scope scope(context);
    const auto listed = evaluate(context, "built-ins", list_built_ins);
    names = to_text(isolate, (*listed).As<v8::String>());
    // The time zone comes from files, which preload files can't open.
    static_cast<void>(evaluate(context, "time zone", "new Date(0).toString()"));
  }
  isolate->Dispose();
  return names;
}

// Calls the prelude's functions. What one of them returns is a function for when the preload files
// have been evaluated.
std::vector<v8::Local<v8::Function>>
evaluate_prelude(v8::Local<v8::Context> context, std::string_view built_ins, bool has_preload) {
  v8::Isolate *isolate = context->GetIsolate();
  const auto natives = native_functions(context);
  v8::Local<v8::Value> arguments[] = {natives, define_groups(context, natives),
                                      to_string(isolate, built_ins),
                                      v8::Boolean::New(isolate, has_preload)};
  std::vector<v8::Local<v8::Function>> finishers;
  for (const PreludeFile &file : prelude_files()) {
    auto function = evaluate(context, file.name, file.text);
    v8::Local<v8::Value> result;
    const bool evaluated = function && (*function)
                                           .As<v8::Function>()
                                           ->Call(context, v8::Undefined(isolate),
                                                  static_cast<int>(std::size(arguments)), arguments)
                                           .ToLocal(&result);
    invariant(evaluated, "the prelude can be evaluated");
    if (result->IsFunction())
      finishers.push_back(result.As<v8::Function>());
  }
  return finishers;
}

std::set<std::string> global_names(v8::Local<v8::Context> context) {
  std::set<std::string> names;
  const auto keys =
      context->Global()
          ->GetOwnPropertyNames(context, v8::SKIP_SYMBOLS, v8::KeyConversionMode::kConvertToString)
          .ToLocalChecked();
  for (uint32_t i = 0; i < keys->Length(); ++i)
    names.insert(
        to_text(context->GetIsolate(), keys->Get(context, i).ToLocalChecked().As<v8::String>()));
  return names;
}

// What a file asks for that V8 does not have while a snapshot is built, nor could store. Empty: nothing.
std::string_view missing_built_in(std::string_view text) {
  std::string_view missing;
  for_each_word(text, [&](std::string_view word) {
    if (word == "WebAssembly" || word == "SharedArrayBuffer")
      missing = word;
  });
  return missing;
}

// What may be a top-level `const`, `let` or class.
void add_lexical_names(v8::Local<v8::Context> context, std::string_view text,
                       std::vector<std::string> &names) {
  std::string_view before;
  for_each_word(text, [&](std::string_view word) {
    if ((before == "const" || before == "let" || before == "class") &&
        !context->Global()->Has(context, to_string(context->GetIsolate(), word)).FromMaybe(true))
      names.emplace_back(word);
    before = word;
  });
}

// Evaluates everything in a new context, which becomes the default one of the snapshot. False: that can't
// be, as the parent has been told.
bool fill_context(v8::SnapshotCreator &creator, std::string_view built_ins,
                  const std::vector<PreloadFile> &preload, Reporter &reporter,
                  std::vector<std::string> &globals) {
  v8::Isolate *isolate = creator.GetIsolate();
  v8::HandleScope handles(isolate);
  const auto context = v8::Context::New(isolate);
  const v8::Context::Scope scope(context);
  const auto finishers = evaluate_prelude(context, built_ins, !preload.empty());
  // Random numbers of preload files. Each request gets bytes of its own.
  Entropy::instance().fill(random_state(context), random_state_bytes);
  // What is new afterwards is what `inspect` lists.
  const std::set<std::string> before = global_names(context);
  for (const PreloadFile &file : preload) {
    reporter.evaluating(file.path);
    const std::string name = script_name(file); // the operator is told the path
    if (auto result = evaluate(context, name, file.text); !result) {
      if (const std::string_view missing = missing_built_in(file.text); !missing.empty()) {
        reporter.unstorable(missing);
        return false;
      }
      for (auto &[key, value] : result.error().keys)
        if (key == "script" && value == Error::Value(name))
          value = file.path;
      reporter.failed(result.error());
      return false;
    }
  }
  // The prelude takes back what it lent to preload files alone.
  for (const auto &finish : finishers)
    if (finish->Call(context, v8::Undefined(isolate), 0, nullptr).IsEmpty())
      fatal("the prelude can be finished");
  for (const std::string &name : global_names(context))
    if (!before.contains(name))
      globals.push_back(name);
  if (!preload.empty()) {
    std::vector<std::string> names = globals;
    for (const PreloadFile &file : preload)
      add_lexical_names(context, file.text, names);
    if (const std::string what = care_for_leftovers(context, names); !what.empty()) {
      reporter.unstorable(what);
      return false;
    }
  }
  creator.SetDefaultContext(context);
  return true;
}

// Whoever wrote them, they can do no more than compute and fill the pipe. What the kernel does not
// have of this is done without: the operator chose these files.
void close_for_preload_files(int pipe) {
  ::close_range(STDERR_FILENO + 1, static_cast<unsigned>(pipe) - 1, 0);
  ::close_range(static_cast<unsigned>(pipe) + 1, ~0u, 0);
  Entropy::instance(); // its memory comes from a memfd
  confine("", false);
  if (const auto closed =
          install_filter(make_filter(join({snapshot_rows, file_rows}), {}, Violation::end));
      !closed)
    std::fprintf(stderr, "lethe-snapshot: %s\n", closed.error().message.c_str());
}

[[noreturn]] void build_in_child(const std::vector<PreloadFile> &preload, const BuildLimits &limits,
                                 int pipe) {
  // Where lethe-snapshot itself is killed, nobody would end a child that loops.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // V8 reserves much and uses little: only what is writable counts.
  const rlim_t bytes = (rlim_t{limits.memory_mb} << 20) + (rlim_t{64} << 20) +
                       rlim_t{v8_compat::writable_code_bytes};
  const rlimit data{bytes, bytes}, core{1, 1}; // with 0 some kernels pipe cores to a program
  setrlimit(RLIMIT_DATA, &data);
  setrlimit(RLIMIT_CORE, &core);
  Reporter reporter(pipe);
  Arena arena(arena_bytes);
  start_v8(arena);
  v8::V8::SetFatalMemoryErrorCallback(
      [](const char *, v8_compat::OutOfMemoryDetails) { _exit(exit_out_of_memory); });
  // V8 and malloc give up in different ways; the parent is told the same of both.
  std::set_new_handler([] { _exit(exit_out_of_memory); });
  const std::unique_ptr<v8::ArrayBuffer::Allocator> allocator(
      v8::ArrayBuffer::Allocator::NewDefaultAllocator());
  const std::string known = built_ins(allocator.get());
  close_for_preload_files(pipe);
  v8::Isolate *isolate = v8::Isolate::Allocate();
  auto creator = v8_compat::snapshot_creator(isolate, external_references(), allocator.get());
  isolate->SetOOMErrorHandler(
      [](const char *, v8_compat::OutOfMemoryDetails) { _exit(exit_out_of_memory); });
  // As in a zygote: what a preload file puts off runs when we say.
  isolate->SetMicrotasksPolicy(v8::MicrotasksPolicy::kExplicit);
  {
    std::vector<std::string> globals;
    {
      const v8::HandleScope handles(isolate);
      // Errors are described by means of these.
      const Names names(isolate);
      Codecs codecs(isolate);
      if (!fill_context(*creator, known, preload, reporter, globals))
        _exit(0);
      codecs.release_all();
    }
    reporter.serializing();
    // Compiled code is kept: what is compiled at its first call would be so again in each request.
    const v8::StartupData blob =
        creator->CreateBlob(v8::SnapshotCreator::FunctionCodeHandling::kKeep);
    if (!blob.data)
      _exit(1);
    reporter.built(globals, {blob.data, static_cast<size_t>(blob.raw_size)});
  }
  _exit(0);
}

// --- in the parent -----------------------------------------------------------------------------

// All that the child says until it ends, or nothing if the deadline passes.
bool read_until_end(int pipe, uint32_t deadline_ms, std::string &said) {
  using Clock = std::chrono::steady_clock;
  // One deadline for all: a child that says something gains no time by it.
  const auto deadline = Clock::now() + std::chrono::milliseconds(deadline_ms);
  char chunk[65536];
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd poll_for{pipe, POLLIN, 0};
    if (left <= 0 || ::poll(&poll_for, 1, static_cast<int>(left)) == 0)
      return false;
    const ssize_t got = ::read(pipe, chunk, sizeof chunk);
    // The child has the only writing end: its end is the end of the file.
    if (got == 0)
      return true;
    if (got > 0)
      said.append(chunk, static_cast<size_t>(got));
  }
}

std::string describe_end(int status) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == exit_out_of_memory)
    return "needs more memory than it may have";
  return "the process ended with " + describe_wait_status(status);
}

std::string describe_snapshot(const std::vector<PreloadFile> &preload, bool holds_preload,
                              const std::vector<std::string> &globals, size_t blob_bytes) {
  Buffer buffer;
  Packer packer(buffer);
  packer.pack_map(9);
  const auto pair = [&](std::string_view key, std::string_view value) {
    pack_string(packer, key);
    pack_string(packer, value);
  };
  pair("lethe", LETHE_VERSION);
  pair("v8", v8::V8::GetVersion());
  pair("flags", v8_flags());
  pair("build_id", engine_build_id());
  pack_string(packer, "created");
  packer.pack_int64(static_cast<int64_t>(::time(nullptr)));
  pack_string(packer, "blob_bytes");
  packer.pack_uint64(blob_bytes);
  pack_string(packer, "preload");
  packer.pack_array(static_cast<uint32_t>(preload.size()));
  for (const PreloadFile &file : preload) {
    packer.pack_map(3);
    pair("path", file.path);
    pack_string(packer, "bytes");
    packer.pack_uint64(file.text.size());
    pair("sha256", to_hex(digest_of(file.text)));
  }
  pair(evaluated_key, holds_preload ? "once" : evaluated_in_each_context);
  pack_string(packer, "globals");
  packer.pack_array(static_cast<uint32_t>(globals.size()));
  for (const std::string &name : globals)
    pack_string(packer, name);
  return std::string(buffer.view());
}

// What came of a child.
struct Attempt {
  Result<BuiltSnapshot> result;
  std::string unstorable{}; // what V8 can't store
};

// What the child said and how it ended, as the result.
Attempt conclude(std::string_view said, bool in_time, int status,
                 const std::vector<PreloadFile> &preload, const BuildLimits &limits) {
  Reader reader(said);
  std::string evaluating;
  bool serializing = false;
  while (const auto report = reader.at_end() ? std::nullopt : reader.integer()) {
    if (*report == static_cast<int>(Report::evaluating)) {
      evaluating = reader.string().value_or("");
    } else if (*report == static_cast<int>(Report::serializing)) {
      serializing = true;
    } else if (*report == static_cast<int>(Report::failed)) {
      return {error_from_map(reader.take_raw().value_or(""))};
    } else if (*report == static_cast<int>(Report::unstorable)) {
      const std::string what(reader.string().value_or(""));
      return {Error(ErrorCode::internal, "V8 cannot store " + what), what};
    } else {
      std::vector<std::string> globals;
      for (uint32_t count = reader.array().value_or(0); count > 0; --count)
        globals.emplace_back(reader.string().value_or(""));
      if (const auto blob = reader.string())
        return {BuiltSnapshot{describe_snapshot(preload, true, globals, blob->size()),
                              std::string(*blob)}};
    }
  }
  // V8 ends the process when it meets what it can't store; only the stage tells what it was about.
  if (in_time && serializing) {
    const std::string what = "something that a preload file leaves behind";
    return {Error(ErrorCode::internal,
                  "V8 cannot store the startup snapshot (" + describe_end(status) + ")"),
            preload.empty() ? "" : what};
  }
  const std::string what =
      in_time ? describe_end(status)
              : "did not finish within " + std::to_string(limits.deadline_ms) + " ms";
  Error error(in_time ? ErrorCode::internal : ErrorCode::deadline_exceeded, what);
  return {std::move(error).with("script", evaluating.empty() ? "the prelude" : evaluating)};
}

Attempt attempt(const std::vector<PreloadFile> &preload, const BuildLimits &limits) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0)
    return {Error(ErrorCode::internal, system_message("pipe"))};
  FileDescriptor from_child(ends[0]), to_parent(ends[1]);
  const pid_t child = ::fork();
  if (child < 0)
    return {Error(ErrorCode::internal, system_message("fork"))};
  if (child == 0)
    build_in_child(preload, limits, to_parent.get());
  // As long as this end is open, too, the pipe never comes to its end.
  to_parent.reset();
  std::string said;
  // The pipe is read to its end first: a blob is longer than a pipe, and the child would wait.
  const bool in_time = read_until_end(from_child.get(), limits.deadline_ms, said);
  if (!in_time)
    ::kill(child, SIGKILL);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return conclude(said, in_time, status, preload, limits);
}

} // namespace

Result<BuiltSnapshot> build_snapshot(const std::vector<PreloadFile> &preload,
                                     const BuildLimits &limits) {
  Attempt whole = attempt(preload, limits);
  if (whole.unstorable.empty())
    return std::move(whole.result);
  auto without = attempt({}, limits).result;
  if (!without)
    return without;
  return BuiltSnapshot{describe_snapshot(preload, false, {}, without->blob.size()),
                       std::move(without->blob), std::move(whole.unstorable)};
}

} // namespace lethe
