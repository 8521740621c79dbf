// SPDX-License-Identifier: Apache-2.0
// Native functions for AES. The key's length chooses among AES-128, -192 and -256. Undefined comes
// back for what can't be encrypted or decrypted: a wrong length, padding or tag.
#include "daemon/natives/native_bytes.h"
#include "daemon/natives/natives.h"
#include "daemon/natives/openssl.h"

#include <algorithm>
#include <climits>
#include <cstring>
#include <openssl/err.h>

namespace lethe {
namespace {

using Mode = OpenSsl::CipherMode;
using Arguments = v8::FunctionCallbackInfo<v8::Value>;

constexpr size_t block_bytes = 16;
// What EVP takes at once: its lengths are of type int.
constexpr size_t most_bytes = INT_MAX - 2 * block_bytes;

// A context for one message, or null.
CipherContext start(Mode mode, bool encrypts, const NativeBytes &key, ByteSpan iv) {
  const EVP_CIPHER *const cipher = OpenSsl::instance().cipher(mode, key.size());
  CipherContext context(EVP_CIPHER_CTX_new());
  if (!cipher || !context)
    return nullptr;
  if (mode == Mode::wrap)
    EVP_CIPHER_CTX_set_flags(context.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  const int direction = encrypts ? 1 : 0;
  if (mode == Mode::gcm &&
      (EVP_CipherInit_ex2(context.get(), cipher, nullptr, nullptr, direction, nullptr) != 1 ||
       EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_IVLEN, static_cast<int>(iv.size()),
                           nullptr) != 1))
    return nullptr;
  if (EVP_CipherInit_ex2(context.get(), mode == Mode::gcm ? nullptr : cipher, key.data(),
                         iv.empty() ? nullptr : iv.data(), direction, nullptr) != 1)
    return nullptr;
  return context;
}

// Through the cipher from `from` to `to`, which has room for a block more. How many bytes came.
bool pass(EVP_CIPHER_CTX *context, ByteSpan from, unsigned char *to, size_t &written) {
  int updated = 0, finished = 0;
  if (from.size() > most_bytes ||
      EVP_CipherUpdate(context, to, &updated, from.data(), static_cast<int>(from.size())) != 1 ||
      EVP_CipherFinal_ex(context, to + updated, &finished) != 1)
    return false;
  written = static_cast<size_t>(updated) + static_cast<size_t>(finished);
  return true;
}

// The result is the buffer's first `bytes` bytes.
void return_start(const Arguments &arguments, v8::Local<v8::ArrayBuffer> buffer, size_t bytes) {
  if (bytes == buffer->ByteLength())
    arguments.GetReturnValue().Set(buffer);
  else
    return_bytes(arguments, bytes_of(buffer).first(bytes));
}

// aesCbc(encrypts, key, iv, data)
void aes_cbc(const Arguments &arguments) {
  const bool encrypts = arguments[0]->IsTrue();
  const NativeBytes key(arguments[1]), iv(arguments[2]), data(arguments[3]);
  v8::Local<v8::ArrayBuffer> result;
  if (iv.size() != block_bytes || data.size() > most_bytes ||
      !new_buffer(arguments.GetIsolate(), data.size() + block_bytes).ToLocal(&result))
    return;
  size_t written = 0;
  const CipherContext context = start(Mode::cbc, encrypts, key, iv.span());
  if (context && pass(context.get(), data.span(), bytes_of(result).data(), written))
    return_start(arguments, result, written);
  ERR_clear_error();
}

// aesWrap(encrypts, key, data): RFC 3394
void aes_wrap(const Arguments &arguments) {
  const bool encrypts = arguments[0]->IsTrue();
  const NativeBytes key(arguments[1]), data(arguments[2]);
  constexpr size_t unit = block_bytes / 2;
  v8::Local<v8::ArrayBuffer> result;
  if (data.size() % unit != 0 || data.size() < (encrypts ? 2 : 3) * unit ||
      data.size() > most_bytes ||
      !new_buffer(arguments.GetIsolate(), data.size() + unit).ToLocal(&result))
    return;
  size_t written = 0;
  const CipherContext context = start(Mode::wrap, encrypts, key, {});
  if (context && pass(context.get(), data.span(), bytes_of(result).data(), written))
    return_start(arguments, result, written);
  ERR_clear_error();
}

// aesGcm(encrypts, key, iv, additional data, bytes of the tag, data): the tag is the end of what is
// encrypted
void aes_gcm(const Arguments &arguments) {
  const bool encrypts = arguments[0]->IsTrue();
  const NativeBytes key(arguments[1]), iv(arguments[2]), additional(arguments[3]),
      data(arguments[5]);
  const size_t tag_bytes = number_argument(arguments, 4);
  if (tag_bytes > block_bytes || iv.size() > most_bytes || iv.size() == 0 ||
      additional.size() > most_bytes || data.size() > most_bytes ||
      (!encrypts && data.size() < tag_bytes))
    return;
  const size_t text_bytes = encrypts ? data.size() : data.size() - tag_bytes;
  v8::Local<v8::ArrayBuffer> result;
  if (!new_buffer(arguments.GetIsolate(), encrypts ? text_bytes + tag_bytes : text_bytes)
           .ToLocal(&result))
    return;
  const CipherContext context = start(Mode::gcm, encrypts, key, iv.span());
  unsigned char tag[block_bytes], empty[1];
  if (!encrypts)
    std::memcpy(tag, data.data() + text_bytes, tag_bytes);
  // A stream: what comes out is as long as what goes in.
  unsigned char *const target = bytes_of(result).empty() ? empty : bytes_of(result).data();
  int ignored = 0;
  size_t written = 0;
  if (context &&
      (encrypts || EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG,
                                       static_cast<int>(tag_bytes), tag) == 1) &&
      EVP_CipherUpdate(context.get(), nullptr, &ignored, additional.data(),
                       static_cast<int>(additional.size())) == 1 &&
      pass(context.get(), data.span().first(text_bytes), target, written) &&
      (!encrypts || EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG,
                                        static_cast<int>(tag_bytes), target + text_bytes) == 1))
    arguments.GetReturnValue().Set(result);
  ERR_clear_error();
}

// How many blocks until the counter's last `bits` bits are all zero again; at most `most`.
size_t blocks_until_overflow(ByteSpan counter, unsigned bits, size_t most) {
  size_t left = 1; // 2^bits - the counter's value, as far as it matters
  for (size_t i = 0; i < bits && left < most; ++i) {
    const unsigned bit = counter[block_bytes - 1 - i / 8] >> (i % 8) & 1;
    if (bit == 0) {
      if (i >= sizeof(size_t) * CHAR_BIT - 1)
        return most;
      left += size_t{1} << i;
    }
  }
  return std::min(left, most);
}

// aesCtr(key, counter, bits of the counter, data): encrypts and decrypts. EVP counts with all 128
// bits, so where the counter overflows the rest is done with a counter that starts from zero.
void aes_ctr(const Arguments &arguments) {
  const NativeBytes key(arguments[0]), initial(arguments[1]), data(arguments[3]);
  const uint32_t bits = number_argument(arguments, 2);
  v8::Local<v8::ArrayBuffer> result;
  if (initial.size() != block_bytes || bits == 0 || bits > 128 || data.size() > most_bytes ||
      !new_buffer(arguments.GetIsolate(), data.size()).ToLocal(&result))
    return;
  const size_t blocks = (data.size() + block_bytes - 1) / block_bytes;
  if (bits < 32 && blocks > size_t{1} << bits)
    return; // a counter would come twice
  unsigned char counter[block_bytes], empty[1];
  std::memcpy(counter, initial.data(), block_bytes);
  const size_t first =
      std::min(data.size(), blocks_until_overflow(counter, bits, blocks) * block_bytes);
  unsigned char *const target = bytes_of(result).empty() ? empty : bytes_of(result).data();
  size_t written = 0;
  CipherContext context = start(Mode::ctr, true, key, counter);
  bool good = context && pass(context.get(), data.span().first(first), target, written);
  if (good && first < data.size()) {
    for (size_t i = 0; i < bits; ++i)
      counter[block_bytes - 1 - i / 8] &= static_cast<unsigned char>(~(1U << (i % 8)));
    context = start(Mode::ctr, true, key, counter);
    good = context && pass(context.get(), data.span().subspan(first), target + first, written);
  }
  if (good)
    arguments.GetReturnValue().Set(result);
  ERR_clear_error();
}

constexpr NativeFunction functions[] = {
    {"aesCbc", aes_cbc}, {"aesCtr", aes_ctr}, {"aesGcm", aes_gcm}, {"aesWrap", aes_wrap}};

} // namespace

const std::span<const NativeFunction> cipher_natives = functions;

} // namespace lethe
