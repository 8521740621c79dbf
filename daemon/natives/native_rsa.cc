// SPDX-License-Identifier: Apache-2.0
// Native functions for RSA. A key is an array of unsigned big-endian numbers: [n, e] if it is
// public, [n, e, d, p, q, dp, dq, qi] (as RFC 8017 names them) if it is private. It becomes an
// EVP_PKEY for the time of one operation, so that nothing native lives longer than the call.
// Undefined comes back for what can't be done with this key and these data.
#include "daemon/natives/native_bytes.h"
#include "daemon/natives/natives.h"
#include "daemon/natives/openssl.h"

#include <algorithm>
#include <array>
#include <climits>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <optional>
#include <vector>

namespace lethe {
namespace {

using Arguments = v8::FunctionCallbackInfo<v8::Value>;
using ParameterBuilder = std::unique_ptr<OSSL_PARAM_BLD, FreedBy<OSSL_PARAM_BLD_free>>;
using Parameters = std::unique_ptr<OSSL_PARAM, FreedBy<OSSL_PARAM_free>>;

constexpr std::array part_names = {OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,
                                   OSSL_PKEY_PARAM_RSA_D,         OSSL_PKEY_PARAM_RSA_FACTOR1,
                                   OSSL_PKEY_PARAM_RSA_FACTOR2,   OSSL_PKEY_PARAM_RSA_EXPONENT1,
                                   OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1};
constexpr size_t public_parts = 2;

// The key's numbers; none if there are not as many as a key has.
std::vector<BigNumber> read_parts(v8::Local<v8::Context> context, v8::Local<v8::Value> value) {
  std::vector<BigNumber> parts;
  if (!value->IsArray())
    return parts;
  const auto array = value.As<v8::Array>();
  if (array->Length() > part_names.size())
    return parts;
  for (uint32_t i = 0; i < array->Length(); ++i) {
    v8::Local<v8::Value> element;
    if (!array->Get(context, i).ToLocal(&element))
      return {};
    const NativeBytes bytes(element);
    if (bytes.size() > OPENSSL_RSA_MAX_MODULUS_BITS / CHAR_BIT)
      return {};
    parts.emplace_back(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
    if (!parts.back())
      return {};
  }
  if (parts.size() != public_parts && parts.size() != part_names.size())
    parts.clear();
  return parts;
}

Key make_key(const std::vector<BigNumber> &parts) {
  const ParameterBuilder builder(OSSL_PARAM_BLD_new());
  if (parts.empty() || !builder)
    return nullptr;
  for (size_t i = 0; i < parts.size(); ++i)
    if (OSSL_PARAM_BLD_push_BN(builder.get(), part_names[i], parts[i].get()) != 1)
      return nullptr;
  const Parameters parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  const KeyContext context(
      EVP_PKEY_CTX_new_from_name(OpenSsl::instance().library(), "RSA", nullptr));
  EVP_PKEY *key = nullptr;
  if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key,
                        parts.size() == public_parts ? EVP_PKEY_PUBLIC_KEY : EVP_PKEY_KEYPAIR,
                        parameters.get()) != 1)
    return nullptr;
  return Key(key);
}

Key read_key(const Arguments &arguments, int index) {
  return make_key(read_parts(arguments.GetIsolate()->GetCurrentContext(), arguments[index]));
}

// rsaGenerate(bits of the modulus, public exponent): a private key
void rsa_generate(const Arguments &arguments) {
  const uint32_t bits = number_argument(arguments, 0);
  const NativeBytes exponent(arguments[1]);
  const OpenSsl &openssl = OpenSsl::instance();
  const BigNumber e(
      BN_bin2bn(exponent.data(), static_cast<int>(std::min<size_t>(exponent.size(), 64)), nullptr));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(openssl.library(), "RSA", nullptr));
  EVP_PKEY *generated = nullptr;
  if (!e || !context || bits > OPENSSL_RSA_MAX_MODULUS_BITS || exponent.size() > 64 ||
      !BN_is_odd(e.get()) || BN_is_one(e.get()) ||
      static_cast<uint32_t>(BN_num_bits(e.get())) >= bits / 2 ||
      EVP_PKEY_keygen_init(context.get()) != 1 ||
      EVP_PKEY_CTX_set_rsa_keygen_bits(context.get(), static_cast<int>(bits)) != 1 ||
      EVP_PKEY_CTX_set1_rsa_keygen_pubexp(context.get(), e.get()) != 1 ||
      EVP_PKEY_generate(context.get(), &generated) != 1) {
    ERR_clear_error();
    return;
  }
  const Key key(generated);
  v8::Isolate *isolate = arguments.GetIsolate();
  std::vector<v8::Local<v8::Value>> parts;
  for (const char *name : part_names) {
    BIGNUM *number = nullptr;
    if (EVP_PKEY_get_bn_param(key.get(), name, &number) != 1)
      return;
    const BigNumber part(number);
    v8::Local<v8::ArrayBuffer> buffer;
    if (!new_buffer(isolate, static_cast<size_t>(BN_num_bytes(number))).ToLocal(&buffer))
      return;
    BN_bn2bin(number, bytes_of(buffer).data());
    parts.emplace_back(buffer);
  }
  arguments.GetReturnValue().Set(v8::Array::New(isolate, parts.data(), parts.size()));
}

// rsaIsConsistent(private key): do its numbers belong together? Whether p and q are prime takes
// milliseconds to find out and is not asked.
void rsa_is_consistent(const Arguments &arguments) {
  const auto parts = read_parts(arguments.GetIsolate()->GetCurrentContext(), arguments[0]);
  arguments.GetReturnValue().Set(false);
  if (parts.size() != part_names.size())
    return;
  const BIGNUM *n = parts[0].get(), *e = parts[1].get(), *d = parts[2].get();
  const BigNumberContext context(BN_CTX_new_ex(OpenSsl::instance().library()));
  const BigNumber product(BN_new()), less(BN_new());
  bool good = context && product && less && BN_is_odd(n) && BN_is_odd(e) && !BN_is_one(e) &&
              BN_mul(product.get(), parts[3].get(), parts[4].get(), context.get()) == 1 &&
              BN_cmp(product.get(), n) == 0;
  // For p and dp, q and dq: e * d = 1 and dp = d, both modulo p - 1.
  for (const size_t prime : {size_t{3}, size_t{4}})
    good = good && BN_copy(less.get(), parts[prime].get()) && BN_sub_word(less.get(), 1) == 1 &&
           !BN_is_zero(less.get()) && !BN_is_negative(less.get()) &&
           BN_mod_mul(product.get(), e, d, less.get(), context.get()) == 1 &&
           BN_is_one(product.get()) && BN_nnmod(product.get(), d, less.get(), context.get()) == 1 &&
           BN_cmp(product.get(), parts[prime + 2].get()) == 0;
  good = good &&
         BN_mod_mul(product.get(), parts[4].get(), parts[7].get(), parts[3].get(), context.get()) ==
             1 &&
         BN_is_one(product.get());
  ERR_clear_error();
  arguments.GetReturnValue().Set(good);
}

// The padding of a signature: PKCS #1 v1.5 without a length of the salt, else PSS.
bool set_signature_padding(EVP_PKEY_CTX *context, std::optional<int> salt_bytes) {
  if (!salt_bytes)
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, *salt_bytes) == 1;
}

struct SignatureArguments {
  Key key;
  EVP_MD *digest;
  std::optional<int> salt_bytes;
  bool good() const { return key && digest && salt_bytes.value_or(0) >= 0; }
};

// key, bits of the digest, length of the salt or undefined
SignatureArguments signature_arguments(const Arguments &arguments) {
  const uint32_t salt = number_argument(arguments, 2);
  return {read_key(arguments, 0), OpenSsl::instance().digest(number_argument(arguments, 1)),
          arguments[2]->IsUndefined()           ? std::nullopt
          : salt > OPENSSL_RSA_MAX_MODULUS_BITS ? std::optional(-1)
                                                : std::optional(static_cast<int>(salt))};
}

// rsaSign(private key, bits of the digest, length of the salt or undefined, data)
void rsa_sign(const Arguments &arguments) {
  const SignatureArguments with = signature_arguments(arguments);
  const NativeBytes data(arguments[3]);
  const DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX *padding = nullptr;
  unsigned char signature[OPENSSL_RSA_MAX_MODULUS_BITS / CHAR_BIT];
  size_t bytes = sizeof signature;
  if (with.good() && context &&
      EVP_DigestSignInit(context.get(), &padding, with.digest, nullptr, with.key.get()) == 1 &&
      set_signature_padding(padding, with.salt_bytes) &&
      EVP_DigestSign(context.get(), signature, &bytes, data.data(), data.size()) == 1)
    return_bytes(arguments, {signature, bytes});
  ERR_clear_error();
}

// rsaVerify(public key, bits of the digest, length of the salt or undefined, data, signature)
void rsa_verify(const Arguments &arguments) {
  const SignatureArguments with = signature_arguments(arguments);
  const NativeBytes data(arguments[3]), signature(arguments[4]);
  const DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX *padding = nullptr;
  arguments.GetReturnValue().Set(
      with.good() && context &&
      EVP_DigestVerifyInit(context.get(), &padding, with.digest, nullptr, with.key.get()) == 1 &&
      set_signature_padding(padding, with.salt_bytes) &&
      EVP_DigestVerify(context.get(), signature.data(), signature.size(), data.data(),
                       data.size()) == 1);
  ERR_clear_error();
}

bool set_oaep(EVP_PKEY_CTX *context, EVP_MD *digest, const NativeBytes &label) {
  if (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) != 1 ||
      EVP_PKEY_CTX_set_rsa_oaep_md(context, digest) != 1 ||
      EVP_PKEY_CTX_set_rsa_mgf1_md(context, digest) != 1)
    return false;
  if (label.size() == 0)
    return true;
  if (label.size() > INT_MAX)
    return false;
  void *copy = OPENSSL_memdup(label.data(), label.size()); // becomes the context's
  if (EVP_PKEY_CTX_set0_rsa_oaep_label(context, copy, static_cast<int>(label.size())) == 1)
    return true;
  OPENSSL_free(copy);
  return false;
}

// rsaOaep(encrypts, key, bits of the digest, label, data)
void rsa_oaep(const Arguments &arguments) {
  const bool encrypts = arguments[0]->IsTrue();
  const Key key = read_key(arguments, 1);
  EVP_MD *const digest = OpenSsl::instance().digest(number_argument(arguments, 2));
  const NativeBytes label(arguments[3]), data(arguments[4]);
  const KeyContext context(
      key ? EVP_PKEY_CTX_new_from_pkey(OpenSsl::instance().library(), key.get(), nullptr)
          : nullptr);
  unsigned char result[OPENSSL_RSA_MAX_MODULUS_BITS / CHAR_BIT];
  size_t bytes = sizeof result;
  if (digest && context &&
      (encrypts ? EVP_PKEY_encrypt_init(context.get()) : EVP_PKEY_decrypt_init(context.get())) ==
          1 &&
      set_oaep(context.get(), digest, label) &&
      (encrypts ? EVP_PKEY_encrypt(context.get(), result, &bytes, data.data(), data.size())
                : EVP_PKEY_decrypt(context.get(), result, &bytes, data.data(), data.size())) == 1)
    return_bytes(arguments, {result, bytes});
  ERR_clear_error();
}

constexpr NativeFunction functions[] = {{"rsaGenerate", rsa_generate},
                                        {"rsaIsConsistent", rsa_is_consistent},
                                        {"rsaSign", rsa_sign},
                                        {"rsaVerify", rsa_verify},
                                        {"rsaOaep", rsa_oaep}};

} // namespace

const std::span<const NativeFunction> rsa_natives = functions;

} // namespace lethe
