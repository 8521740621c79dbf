// SPDX-License-Identifier: Apache-2.0
// Looking up what OpenSSL offers, once.
#define OPENSSL_SUPPRESS_DEPRECATED // RAND_METHOD: a provider would do the same with much more code
#include "daemon/natives/openssl.h"
#include "daemon/engine/entropy.h"
#include "ipc/invariant.h"

#include <algorithm>
#include <cerrno>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <string>
#include <sys/random.h>

namespace lethe {
namespace {

// OpenSSL's own generators keep a state in memory, which a rewind brings back. They would seed
// themselves anew in each request, as the state that comes back is from before the fork, but only
// by comparing process ids: nothing to rely on.
int random_bytes(unsigned char *target, int bytes) {
  fill_with_random(target, bytes > 0 ? static_cast<size_t>(bytes) : 0);
  return 1;
}

int random_status() { return 1; }

constexpr RAND_METHOD kernels_random = {
    .seed = nullptr,
    .bytes = random_bytes,
    .cleanup = nullptr,
    .add = nullptr,
    .pseudorand = random_bytes,
    .status = random_status,
};

template <typename T> T *needed(T *object) {
  invariant(object, "libcrypto has the algorithms of the Web Cryptography API");
  return object;
}

} // namespace

void fill_with_random(unsigned char *target, size_t bytes) {
  if (bytes <= Entropy::block_bytes / 4) {
    Entropy::instance().fill(target, bytes);
    return;
  }
  while (bytes > 0) { // many bytes at once can be interrupted by a signal
    const ssize_t got = ::getrandom(target, bytes, 0);
    invariant(got >= 0 || errno == EINTR, "the kernel gives random bytes", {"errno", errno});
    target += std::max<ssize_t>(got, 0);
    bytes -= static_cast<size_t>(std::max<ssize_t>(got, 0));
  }
}

const OpenSsl &OpenSsl::instance() {
  static const auto *const openssl = new OpenSsl;
  return *openssl;
}

OpenSsl::OpenSsl() : library_(needed(OSSL_LIB_CTX_new())) {
  RAND_set_rand_method(&kernels_random);
  EVP_MAC *mac = needed(EVP_MAC_fetch(library_, "HMAC", nullptr));
  pbkdf2_ = needed(EVP_KDF_fetch(library_, "PBKDF2", nullptr));
  struct {
    unsigned bits;
    const char *name;
  } constexpr names[] = {{160, "SHA1"}, {256, "SHA2-256"}, {384, "SHA2-384"}, {512, "SHA2-512"}};
  for (size_t i = 0; i < std::size(hashes_); ++i) {
    Hash &hash = hashes_[i];
    hash.bits = names[i].bits;
    hash.digest = needed(EVP_MD_fetch(library_, names[i].name, nullptr));
    hash.context = needed(EVP_MD_CTX_new());
    hash.hmac = needed(EVP_MAC_CTX_new(mac));
    const OSSL_PARAM digest[] = {OSSL_PARAM_construct_utf8_string(
                                     OSSL_MAC_PARAM_DIGEST, const_cast<char *>(names[i].name), 0),
                                 OSSL_PARAM_END};
    invariant(EVP_MAC_CTX_set_params(hash.hmac, digest) == 1,
              "libcrypto has HMAC with the digests of the Web Cryptography API",
              {"bits", hash.bits});
  }
  constexpr const char *modes[] = {"CBC", "CTR", "GCM", "WRAP"};
  for (size_t mode = 0; mode < std::size(modes); ++mode)
    for (size_t size = 0; size < 3; ++size) {
      const std::string name = "AES-" + std::to_string(128 + 64 * size) + "-" + modes[mode];
      ciphers_[mode][size] = needed(EVP_CIPHER_fetch(library_, name.c_str(), nullptr));
    }
  struct {
    unsigned bits;
    const char *name;
    int number;
  } constexpr curves[] = {{256, "P-256", NID_X9_62_prime256v1},
                          {384, "P-384", NID_secp384r1},
                          {521, "P-521", NID_secp521r1}};
  for (size_t i = 0; i < std::size(curves); ++i)
    curves_[i] = {curves[i].bits, curves[i].name,
                  needed(EC_GROUP_new_by_curve_name_ex(library_, nullptr, curves[i].number)),
                  (curves[i].bits + 7) / 8};
  warm_up();
}

// What libcrypto looks up or allocates at the first use.
void OpenSsl::warm_up() const {
  for (const Hash &hash : hashes_) {
    unsigned char result[EVP_MAX_MD_SIZE];
    size_t bytes = 0;
    const bool done = EVP_DigestInit_ex2(hash.context, hash.digest, nullptr) == 1 &&
                      EVP_DigestFinal_ex(hash.context, result, nullptr) == 1 &&
                      EVP_MAC_init(hash.hmac, result, 1, nullptr) == 1 &&
                      EVP_MAC_final(hash.hmac, result, &bytes, sizeof result) == 1;
    invariant(done, "libcrypto can compute digests", {"bits", hash.bits});
  }
  // Found again by name; these references keep them from being dropped.
  for (const char *name : {"RSA", "EC", "ED25519", "X25519"})
    needed(EVP_KEYMGMT_fetch(library_, name, nullptr));
  for (const char *name : {"RSA", "ECDSA", "ED25519"})
    needed(EVP_SIGNATURE_fetch(library_, name, nullptr));
  needed(EVP_ASYM_CIPHER_fetch(library_, "RSA", nullptr));
  needed(EVP_KEYEXCH_fetch(library_, "X25519", nullptr));
  // Whatever else the first key and the first signature make.
  const Key key(EVP_PKEY_Q_keygen(library_, nullptr, "EC", "P-256"));
  const DigestContext context(EVP_MD_CTX_new());
  unsigned char signature[256];
  size_t bytes = sizeof signature;
  const bool is_signed =
      key && context &&
      EVP_DigestSignInit(context.get(), nullptr, digest(256), nullptr, key.get()) == 1 &&
      EVP_DigestSign(context.get(), signature, &bytes, signature, 0) == 1;
  invariant(is_signed, "libcrypto can sign");
  ERR_clear_error();
}

const OpenSsl::Hash *OpenSsl::hash(unsigned bits) const {
  const Hash *const found = std::ranges::find(hashes_, bits, &Hash::bits);
  return found == std::end(hashes_) ? nullptr : found;
}

EVP_MD *OpenSsl::digest(unsigned bits) const {
  const Hash *const found = hash(bits);
  return found ? found->digest : nullptr;
}

EVP_MD_CTX *OpenSsl::digest_context(unsigned bits) const {
  const Hash *const found = hash(bits);
  return found ? found->context : nullptr;
}

EVP_MAC_CTX *OpenSsl::hmac_context(unsigned bits) const {
  const Hash *const found = hash(bits);
  return found ? found->hmac : nullptr;
}

EVP_CIPHER *OpenSsl::cipher(CipherMode mode, size_t key_bytes) const {
  if (key_bytes != 16 && key_bytes != 24 && key_bytes != 32)
    return nullptr;
  return ciphers_[static_cast<size_t>(mode)][key_bytes / 8 - 2];
}

const OpenSsl::Curve *OpenSsl::curve(unsigned bits) const {
  const Curve *const found = std::ranges::find(curves_, bits, &Curve::bits);
  return found == std::end(curves_) ? nullptr : found;
}

} // namespace lethe
