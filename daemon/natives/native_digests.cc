// SPDX-License-Identifier: Apache-2.0
// Native functions for digests, HMAC, and the key derivations that are built on it. A digest is
// named by its number of bits: 160 is SHA-1, the others are SHA-2. Undefined comes back for what
// can't be computed.
#include "daemon/natives/native_bytes.h"
#include "daemon/natives/natives.h"
#include "daemon/natives/openssl.h"

#include <algorithm>
#include <cstring>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>

namespace lethe {
namespace {

struct DigestValue {
  unsigned char bytes[EVP_MAX_MD_SIZE];
  size_t size = 0;
  ByteSpan span() const { return {bytes, size}; }
};

bool hmac(EVP_MAC_CTX *context, ByteSpan key, std::initializer_list<ByteSpan> parts,
          DigestValue &result) {
  if (EVP_MAC_init(context, key.data(), key.size(), nullptr) != 1)
    return false;
  for (const ByteSpan part : parts)
    if (EVP_MAC_update(context, part.data(), part.size()) != 1)
      return false;
  return EVP_MAC_final(context, result.bytes, &result.size, sizeof result.bytes) == 1;
}

// digest(bits, data)
void digest(const v8::FunctionCallbackInfo<v8::Value> &arguments) {
  const uint32_t bits = number_argument(arguments, 0);
  EVP_MD_CTX *const context = OpenSsl::instance().digest_context(bits);
  const NativeBytes data(arguments[1]);
  DigestValue result;
  unsigned size = 0;
  if (context && EVP_DigestInit_ex2(context, OpenSsl::instance().digest(bits), nullptr) == 1 &&
      EVP_DigestUpdate(context, data.data(), data.size()) == 1 &&
      EVP_DigestFinal_ex(context, result.bytes, &size) == 1)
    return_bytes(arguments, {result.bytes, size});
}

// hmac(bits, key, data)
void hmac(const v8::FunctionCallbackInfo<v8::Value> &arguments) {
  EVP_MAC_CTX *const context = OpenSsl::instance().hmac_context(number_argument(arguments, 0));
  const NativeBytes key(arguments[1]), data(arguments[2]);
  DigestValue result;
  if (context && hmac(context, key.span(), {data.span()}, result))
    return_bytes(arguments, result.span());
}

// hkdf(bits, key, salt, info, length in bytes): RFC 5869. Not OpenSSL's, which refuses an empty
// key.
void hkdf(const v8::FunctionCallbackInfo<v8::Value> &arguments) {
  const uint32_t bits = number_argument(arguments, 0), length = number_argument(arguments, 4);
  EVP_MAC_CTX *const context = OpenSsl::instance().hmac_context(bits);
  const NativeBytes key(arguments[1]), salt(arguments[2]), info(arguments[3]);
  if (!context || length > 255 * (bits / 8))
    return;
  DigestValue extracted, block;
  unsigned char result[255 * EVP_MAX_MD_SIZE];
  if (!hmac(context, salt.span(), {key.span()}, extracted))
    return;
  unsigned char counter = 1;
  for (size_t done = 0; done < length; done += block.size, ++counter) {
    const ByteSpan previous = done == 0 ? ByteSpan(block.bytes, 0) : block.span();
    if (!hmac(context, extracted.span(), {previous, info.span(), {&counter, 1}}, block))
      return;
    std::memcpy(result + done, block.bytes, std::min<size_t>(block.size, length - done));
  }
  return_bytes(arguments, {result, length});
}

// pbkdf2(bits, password, salt, iterations, length in bytes): RFC 8018
void pbkdf2(const v8::FunctionCallbackInfo<v8::Value> &arguments) {
  const OpenSsl &openssl = OpenSsl::instance();
  const EVP_MD *const digest = openssl.digest(number_argument(arguments, 0));
  const NativeBytes password(arguments[1]), salt(arguments[2]);
  unsigned iterations = number_argument(arguments, 3);
  const uint32_t length = number_argument(arguments, 4);
  const DerivationContext context(EVP_KDF_CTX_new(openssl.pbkdf2()));
  v8::Local<v8::ArrayBuffer> buffer;
  if (!digest || !context || !new_buffer(arguments.GetIsolate(), length).ToLocal(&buffer))
    return;
  int any = 1; // number of iterations and length of the salt, not only what NIST wants
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
                                       const_cast<char *>(EVP_MD_get0_name(digest)), 0),
      OSSL_PARAM_construct_octet_string(
          OSSL_KDF_PARAM_PASSWORD, const_cast<unsigned char *>(password.data()), password.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT,
                                        const_cast<unsigned char *>(salt.data()), salt.size()),
      OSSL_PARAM_construct_uint(OSSL_KDF_PARAM_ITER, &iterations),
      OSSL_PARAM_construct_int(OSSL_KDF_PARAM_PKCS5, &any),
      OSSL_PARAM_END};
  if (EVP_KDF_derive(context.get(), bytes_of(buffer).data(), length, parameters) == 1)
    arguments.GetReturnValue().Set(buffer);
  ERR_clear_error();
}

constexpr NativeFunction functions[] = {
    {"digest", digest}, {"hmac", hmac}, {"hkdf", hkdf}, {"pbkdf2", pbkdf2}};

} // namespace

const std::span<const NativeFunction> digest_natives = functions;

} // namespace lethe
