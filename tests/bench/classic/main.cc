// SPDX-License-Identifier: Apache-2.0
// The classic ways to give each call a clean state, for the benchmark to compare with: a server
// with V8 and nothing else that makes a new context, or a new isolate, for each request. Both start
// from a startup snapshot that holds the prelude and the script, as a careful embedder would do it.
// classic-worker SOCKET context|isolate SNAPSHOT
#include "daemon/engine/engine.h"
#include "daemon/engine/memory/arena.h"
#include "daemon/engine/names.h"
#include "daemon/engine/value_reader.h"
#include "daemon/engine/value_writer.h"
#include "daemon/natives/natives.h"
#include "ipc/file_descriptor.h"
#include "ipc/message_pack.h"
#include "snapshot/cache.h"

#include <cstring>
#include <msgpack/pack.hpp>
#include <sys/socket.h>
#include <sys/un.h>

namespace lethe {
namespace {

constexpr size_t heap_bytes = size_t{128} << 20;
constexpr ValueLimits limits{256, size_t{16} << 20};

struct Call {
  int64_t msgid;
  std::string_view function, arguments; // arguments: an array, MessagePack
};

// [0, msgid, "call", [script, function, [argument, …]]]. False: not complete yet.
bool read_call(Reader &reader, Call &call) {
  reader.array();
  reader.integer();
  call.msgid = reader.integer().value_or(0);
  reader.skip();
  reader.array();
  reader.skip();
  call.function = reader.string().value_or("");
  call.arguments = reader.take_raw().value_or("");
  return !reader.failed();
}

class ClassicWorker {
public:
  ClassicWorker(v8::StartupData snapshot, bool isolate_each)
      : snapshot_(snapshot), isolate_each_(isolate_each),
        allocator_(v8::ArrayBuffer::Allocator::NewDefaultAllocator()) {
    if (!isolate_each_)
      open_isolate();
  }

  void answer(const Call &call, Buffer &output) {
    if (isolate_each_)
      open_isolate();
    call_in_new_context(call, output);
    if (isolate_each_)
      close_isolate();
    else
      isolate_->ContextDisposedNotification(); // as an embedder tells V8 that there is garbage
  }

private:
  void open_isolate() {
    isolate_ = new_isolate(snapshot_, external_references(), allocator_.get(), heap_bytes);
    isolate_->Enter();
    const v8::HandleScope handles(isolate_);
    names_ = std::make_unique<Names>(isolate_);
  }

  void close_isolate() {
    names_.reset();
    isolate_->Exit();
    isolate_->Dispose();
  }

  void call_in_new_context(const Call &call, Buffer &output) {
    const v8::HandleScope handles(isolate_);
    const auto context = v8_compat::new_context(isolate_);
    const v8::Context::Scope scope(context);
    ValueReader reader(context, call.arguments, limits.max_depth);
    std::vector<v8::Local<v8::Value>> arguments;
    v8::Local<v8::Value> function, result;
    if (!reader.read_list(arguments) ||
        !context->Global()->Get(context, to_name(isolate_, call.function)).ToLocal(&function) ||
        !function->IsFunction() ||
        !function.As<v8::Function>()
             ->Call(context, v8::Undefined(isolate_), static_cast<int>(arguments.size()),
                    arguments.data())
             .ToLocal(&result))
      fatal("the benchmark's call succeeds");
    isolate_->PerformMicrotaskCheckpoint();
    msgpack::packer<Buffer> packer(output);
    packer.pack_array(4).pack_uint8(1).pack_int64(call.msgid).pack_nil();
    if (!ValueWriter(context, output, limits).write(result))
      fatal("the benchmark's result can be written");
  }

  v8::StartupData snapshot_;
  bool isolate_each_;
  std::unique_ptr<v8::ArrayBuffer::Allocator> allocator_;
  v8::Isolate *isolate_ = nullptr;
  std::unique_ptr<Names> names_;
};

// One connection after the other; a reply is written before the next request is looked at.
void serve(const FileDescriptor &listener, ClassicWorker &worker) {
  for (;;) {
    const FileDescriptor connection(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    Buffer input, output;
    for (;;) {
      constexpr size_t bytes = 1 << 16;
      const ssize_t received = ::recv(connection.get(), input.reserve(bytes), bytes, 0);
      if (received <= 0)
        break;
      input.commit(static_cast<size_t>(received));
      for (;;) {
        Reader reader(input.view());
        Call call;
        if (!read_call(reader, call))
          break;
        worker.answer(call, output);
        if (::send(connection.get(), output.data(), output.size(), MSG_NOSIGNAL) < 0)
          break;
        output.clear();
        input.consume(input.size() - reader.rest().size());
      }
    }
  }
}

FileDescriptor listen_on(const char *path) {
  FileDescriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  if (::bind(listener.get(), reinterpret_cast<sockaddr *>(&address), sizeof address) != 0 ||
      ::listen(listener.get(), 1) != 0)
    fatal("the benchmark's socket can be opened");
  return listener;
}

} // namespace
} // namespace lethe

int main(int count, char **words) {
  using namespace lethe;
  if (count != 4)
    fatal("usage: classic-worker SOCKET context|isolate SNAPSHOT");
  const auto snapshot = SnapshotFile::open(words[3]);
  if (!snapshot)
    fatal(snapshot.error().message);
  Arena arena(size_t{4} << 30); // of address space; nothing is rewound here
  start_v8(arena);
  ClassicWorker worker(snapshot->blob(), std::string_view(words[2]) == "isolate");
  serve(listen_on(words[1]), worker);
}
