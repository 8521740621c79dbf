// SPDX-License-Identifier: Apache-2.0
// zlib for the prelude's CompressionStream and DecompressionStream. All memory of a stream is one
// ArrayBuffer: V8 collects it, the script's limit counts it, and no finalizer has to run.
#include "daemon/natives/native_arguments.h"
#include "daemon/natives/native_bytes.h"
#include "daemon/natives/natives.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <sys/auxv.h>
#include <zlib.h>

namespace lethe {
namespace {

using Arguments = const v8::FunctionCallbackInfo<v8::Value> &;

// What zlib takes (zconf.h: 256 kB and 32 kB, and a few for small objects), and more for versions
// that are generous. Pages that stay unused cost nothing.
constexpr size_t compressor_bytes = size_t{384} << 10, decompressor_bytes = size_t{96} << 10;
constexpr size_t most_output_bytes = size_t{64} << 10; // of one step
constexpr size_t first_output_bytes = 1024;

// At the beginning of a stream's ArrayBuffer.
struct Codec {
  // For the prelude.
  uint32_t consumed;  // bytes of the input in the last step
  uint32_t is_ended;  // all of the compressed data is there
  uint32_t is_broken; // the input is not such data
  uint32_t has_more_input;

  bool is_decompressor;
  uint64_t guard; // of this process and this place: zlib's state is full of addresses
  size_t used_bytes, all_bytes;
  z_stream stream;
};

// A snapshot brings the bytes into another process.
uint64_t guard_of(const Codec *codec) {
  uint64_t of_process = 0;
  std::memcpy(&of_process, reinterpret_cast<const void *>(getauxval(AT_RANDOM)), sizeof of_process);
  return of_process ^ reinterpret_cast<uintptr_t>(codec);
}

void *allocate(void *context, unsigned count, unsigned bytes) {
  auto &codec = *static_cast<Codec *>(context);
  const size_t size = (size_t{count} * bytes + 15) / 16 * 16;
  if (size > codec.all_bytes - codec.used_bytes)
    return nullptr;
  codec.used_bytes += size;
  return reinterpret_cast<unsigned char *>(&codec) + codec.used_bytes - size;
}
void free_nothing(void *, void *) {}

void throw_error(v8::Isolate *isolate, const char *message) {
  isolate->ThrowException(
      v8::Exception::Error(v8::String::NewFromUtf8(isolate, message).ToLocalChecked()));
}

// newCodec(is decompressor, window bits): an ArrayBuffer; its first numbers are a Codec's
void new_codec(Arguments arguments) {
  v8::Isolate *isolate = arguments.GetIsolate();
  if (!has_arguments<v8::Value, v8::Int32>(arguments))
    return;
  const bool is_decompressor = arguments[0]->IsTrue();
  const int window_bits = arguments[1].As<v8::Int32>()->Value();
  v8::Local<v8::ArrayBuffer> buffer;
  if (!new_buffer(isolate, is_decompressor ? decompressor_bytes : compressor_bytes)
           .ToLocal(&buffer))
    return;
  const std::span<unsigned char> bytes = bytes_of(buffer);
  auto *const codec = new (bytes.data()) Codec{};
  codec->is_decompressor = is_decompressor;
  codec->guard = guard_of(codec);
  codec->used_bytes = (sizeof(Codec) + 15) / 16 * 16;
  codec->all_bytes = bytes.size();
  codec->stream.zalloc = allocate;
  codec->stream.zfree = free_nothing;
  codec->stream.opaque = codec;
  constexpr int memory_level = 8; // zlib's default
  const int status = is_decompressor
                         ? inflateInit2(&codec->stream, window_bits)
                         : deflateInit2(&codec->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED,
                                        window_bits, memory_level, Z_DEFAULT_STRATEGY);
  if (status != Z_OK)
    return throw_error(isolate, "zlib could not be set up");
  arguments.GetReturnValue().Set(buffer);
}

// One call of zlib; how much it has put into `output`.
size_t step(Codec &codec, std::span<const unsigned char> input, bool is_last,
            std::span<unsigned char> output) {
  z_stream &stream = codec.stream;
  const auto given = static_cast<unsigned>(std::min<size_t>(input.size(), UINT32_MAX));
  stream.next_in = const_cast<unsigned char *>(input.data());
  stream.avail_in = given;
  stream.next_out = output.data();
  stream.avail_out = static_cast<unsigned>(output.size());
  const int status = codec.is_decompressor ? inflate(&stream, Z_NO_FLUSH)
                                           : deflate(&stream, is_last ? Z_FINISH : Z_NO_FLUSH);
  codec.consumed = given - stream.avail_in;
  codec.is_ended = status == Z_STREAM_END;
  codec.has_more_input = codec.consumed < input.size();
  // Z_BUF_ERROR: there was nothing to do, which is no mistake.
  codec.is_broken = status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR;
  return output.size() - stream.avail_out;
}

// runCodec(codec, bytes, offset, is last): a Uint8Array of what comes out, up to 64 kB; undefined
// if that is nothing. To be called again until then, or until the data is at its end.
void run_codec(Arguments arguments) {
  v8::Isolate *isolate = arguments.GetIsolate();
  const std::span<unsigned char> memory = writable_bytes(arguments[0]);
  auto &codec = *reinterpret_cast<Codec *>(memory.data());
  if (memory.size() < sizeof codec || codec.guard != guard_of(&codec))
    return throw_error(isolate, "a compression stream cannot be kept in a startup snapshot");
  const NativeBytes bytes(arguments[1]);
  const size_t offset = std::min<size_t>(number_argument(arguments, 2), bytes.size());
  const bool is_last = arguments[3]->IsTrue();
  std::array<unsigned char, first_output_bytes> few;
  size_t produced = step(codec, bytes.span().subspan(offset), is_last, few);
  v8::Local<v8::ArrayBuffer> buffer;
  if (produced < few.size()) {
    if (produced == 0 || !new_buffer(isolate, std::span(few).first(produced)).ToLocal(&buffer))
      return;
  } else {
    const std::unique_ptr<unsigned char[]> many(new unsigned char[most_output_bytes]);
    const std::span<unsigned char> output(many.get(), most_output_bytes);
    std::ranges::copy(few, output.begin());
    const uint32_t consumed = codec.consumed;
    if (!codec.is_ended && !codec.is_broken) {
      produced +=
          step(codec, bytes.span().subspan(offset + consumed), is_last, output.subspan(few.size()));
      codec.consumed += consumed;
    }
    if (!new_buffer(isolate, output.first(produced)).ToLocal(&buffer))
      return;
  }
  arguments.GetReturnValue().Set(v8::Uint8Array::New(buffer, 0, buffer->ByteLength()));
}

constexpr NativeFunction functions[] = {{"newCodec", new_codec}, {"runCodec", run_codec}};

} // namespace

const std::span<const NativeFunction> compression_natives = functions;

} // namespace lethe
