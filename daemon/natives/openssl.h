// SPDX-License-Identifier: Apache-2.0
// OpenSSL's libcrypto as workers need it: all algorithms looked up before the checkpoint, and no
// random generator of its own.
#pragma once

#include <cstddef>
#include <memory>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <span>

namespace lethe {

using ByteSpan = std::span<const unsigned char>;

template <auto free_function> struct FreedBy {
  template <typename T> void operator()(T *object) const { free_function(object); }
};
using BigNumber = std::unique_ptr<BIGNUM, FreedBy<BN_clear_free>>;
using BigNumberContext = std::unique_ptr<BN_CTX, FreedBy<BN_CTX_free>>;
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreedBy<EVP_CIPHER_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, FreedBy<EVP_MD_CTX_free>>;
using DerivationContext = std::unique_ptr<EVP_KDF_CTX, FreedBy<EVP_KDF_CTX_free>>;
using Key = std::unique_ptr<EVP_PKEY, FreedBy<EVP_PKEY_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, FreedBy<EVP_PKEY_CTX_free>>;

// One for the process, never destroyed: to be made before the checkpoint, so that no request pays
// for it. Its library context is its own: what /etc/ssl/openssl.cnf says holds for the default
// one only. A FIPS provider, for instance, would bring a random generator that repeats its numbers
// after a rewind.
//
// Every random number that OpenSSL draws in this process comes from Entropy, and thereby from the
// kernel, whichever library context it is for.
class OpenSsl {
public:
  static const OpenSsl &instance();

  // Null: there is no such one.
  EVP_MD *digest(unsigned bits) const; // 160 (SHA-1), 256, 384, 512
  // Contexts that are used again for each digest: making one costs more than hashing a little.
  EVP_MD_CTX *digest_context(unsigned bits) const;
  EVP_MAC_CTX *hmac_context(unsigned bits) const;

  EVP_KDF *pbkdf2() const { return pbkdf2_; }

  enum class CipherMode : unsigned char { cbc, ctr, gcm, wrap };
  EVP_CIPHER *cipher(CipherMode mode, size_t key_bytes) const; // AES

  struct Curve {
    unsigned bits; // 256, 384, 521
    const char *name;
    EC_GROUP *group;
    size_t bytes; // of a coordinate
  };
  const Curve *curve(unsigned bits) const;

  OSSL_LIB_CTX *library() const { return library_; }

private:
  OpenSsl();
  void warm_up() const;

  struct Hash {
    unsigned bits = 0;
    EVP_MD *digest = nullptr;
    EVP_MD_CTX *context = nullptr;
    EVP_MAC_CTX *hmac = nullptr;
  };
  const Hash *hash(unsigned bits) const;

  OSSL_LIB_CTX *library_;
  EVP_KDF *pbkdf2_ = nullptr;
  Hash hashes_[4];
  EVP_CIPHER *ciphers_[4][3];
  Curve curves_[3];
};

// From Entropy, any number of bytes.
void fill_with_random(unsigned char *target, size_t bytes);

} // namespace lethe
