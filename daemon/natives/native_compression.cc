// SPDX-License-Identifier: Apache-2.0
// zlib for the prelude's CompressionStream and DecompressionStream.
#include "daemon/engine/interrupts.h"
#include "daemon/natives/codecs.h"
#include "daemon/natives/native_arguments.h"
#include "daemon/natives/native_bytes.h"
#include "daemon/natives/natives.h"

#include <memory>
#include <optional>
#include <vector>

namespace lethe {
namespace {

using Arguments = const v8::FunctionCallbackInfo<v8::Value> &;

// Of what runCodec() returns.
enum Flag : uint32_t { is_ended = 1, is_broken = 2, has_more_input = 4 };

// Of one piece of output; most are not as long as the first may be.
constexpr size_t first_output_bytes = 4096, most_output_bytes = size_t{64} << 10;

// newCodec(is decompressor, window bits): an object for runCodec()
void new_codec(Arguments arguments) {
  if (!has_arguments<v8::Value, v8::Int32>(arguments))
    return;
  v8::Isolate *isolate = arguments.GetIsolate();
  v8::Local<v8::Object> codec;
  if (Codecs::of(isolate)
          .make(isolate->GetCurrentContext(),
                arguments[0]->IsTrue() ? Codec::Direction::decompress : Codec::Direction::compress,
                arguments[1].As<v8::Int32>()->Value())
          .ToLocal(&codec))
    arguments.GetReturnValue().Set(codec);
}

// Through zlib with all of the input: the pieces that come out are appended to `pieces`. Flags; no
// value, with a pending exception, if there is no memory for them.
std::optional<uint32_t> run(v8::Isolate *isolate, Codec &codec,
                            std::span<const unsigned char> input, bool is_last,
                            std::vector<v8::Local<v8::Value>> &pieces) {
  unsigned char few[first_output_bytes];
  std::unique_ptr<unsigned char[]> many;
  std::span<unsigned char> output(few);
  for (;;) {
    const Codec::Step step = codec.step(input, is_last, output);
    input = input.subspan(step.consumed);
    if (step.produced > 0) {
      v8::Local<v8::ArrayBuffer> buffer;
      if (!new_buffer(isolate, output.first(step.produced)).ToLocal(&buffer))
        return std::nullopt;
      pieces.push_back(v8::Uint8Array::New(buffer, 0, step.produced));
    }
    const bool is_done = step.is_ended || step.is_broken || (step.produced == 0 && input.empty());
    if (is_done || Interrupts::instance().requested())
      return (step.is_ended ? is_ended : 0U) | (step.is_broken ? is_broken : 0U) |
             (input.empty() ? 0U : has_more_input);
    if (!many && step.produced == output.size()) {
      many.reset(new unsigned char[most_output_bytes]);
      output = {many.get(), most_output_bytes};
    }
  }
}

// runCodec(codec, bytes, is last): [flags, Uint8Array, …]. After the last bytes the codec is no
// more.
void run_codec(Arguments arguments) {
  v8::Isolate *isolate = arguments.GetIsolate();
  Codecs &codecs = Codecs::of(isolate);
  Codec *const codec = codecs.find(arguments[0]);
  if (!codec) {
    isolate->ThrowException(v8::Exception::Error(v8::String::NewFromUtf8Literal(
        isolate, "a compression stream cannot be kept in a startup snapshot")));
    return;
  }
  const NativeBytes bytes(arguments[1]);
  const bool is_last = arguments[2]->IsTrue();
  std::vector<v8::Local<v8::Value>> result(1);
  const auto flags = run(isolate, *codec, bytes.span(), is_last, result);
  if (is_last)
    codecs.release(arguments[0]);
  if (!flags)
    return;
  result[0] = v8::Integer::NewFromUnsigned(isolate, *flags);
  arguments.GetReturnValue().Set(v8::Array::New(isolate, result.data(), result.size()));
}

constexpr NativeFunction functions[] = {{"newCodec", new_codec}, {"runCodec", run_codec}};

} // namespace

const std::span<const NativeFunction> compression_natives = functions;

} // namespace lethe
