// SPDX-License-Identifier: Apache-2.0
// Native functions for elliptic curves: P-256, P-384 and P-521 (named by their number of bits) for
// ECDSA and ECDH, Ed25519, X25519. Private keys and coordinates are of the curve's fixed length;
// points are uncompressed, as SEC 1 has them. Undefined comes back for what is no key or can't be
// computed.
#include "daemon/natives/native_bytes.h"
#include "daemon/natives/natives.h"
#include "daemon/natives/openssl.h"

#include <algorithm>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/params.h>

namespace lethe {
namespace {

using Arguments = v8::FunctionCallbackInfo<v8::Value>;
using Curve = OpenSsl::Curve;
using Point = std::unique_ptr<EC_POINT, FreedBy<EC_POINT_clear_free>>;
using EcdsaSignature = std::unique_ptr<ECDSA_SIG, FreedBy<ECDSA_SIG_free>>;

constexpr size_t most_coordinate_bytes = 66;
constexpr size_t most_point_bytes = 1 + 2 * most_coordinate_bytes;

const Curve *curve_argument(const Arguments &arguments, int index) {
  return OpenSsl::instance().curve(number_argument(arguments, index));
}

BigNumberContext number_context() {
  return BigNumberContext(BN_CTX_secure_new_ex(OpenSsl::instance().library()));
}

// From 1 to the curve's order - 1; else null.
BigNumber private_key(const Curve &curve, const NativeBytes &bytes) {
  if (bytes.size() != curve.bytes)
    return nullptr;
  BigNumber number(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
  if (!number || BN_is_zero(number.get()) ||
      BN_cmp(number.get(), EC_GROUP_get0_order(curve.group)) >= 0)
    return nullptr;
  BN_set_flags(number.get(), BN_FLG_CONSTTIME);
  return number;
}

// On the curve and not at infinity; else null.
Point read_point(const Curve &curve, const NativeBytes &bytes, BN_CTX *context) {
  Point point(EC_POINT_new(curve.group));
  if (!point ||
      EC_POINT_oct2point(curve.group, point.get(), bytes.data(), bytes.size(), context) != 1 ||
      EC_POINT_is_at_infinity(curve.group, point.get()) == 1)
    return nullptr;
  return point;
}

void return_point(const Arguments &arguments, const Curve &curve, const EC_POINT *point,
                  BN_CTX *context) {
  unsigned char bytes[most_point_bytes];
  const size_t size = EC_POINT_point2oct(curve.group, point, POINT_CONVERSION_UNCOMPRESSED, bytes,
                                         sizeof bytes, context);
  if (size > 0)
    return_bytes(arguments, {bytes, size});
}

// ecGenerate(bits of the curve): a private key
void ec_generate(const Arguments &arguments) {
  const Curve *const curve = curve_argument(arguments, 0);
  const BigNumber number(BN_new());
  unsigned char bytes[most_coordinate_bytes];
  if (!curve || !number)
    return;
  do {
    if (BN_priv_rand_range_ex(number.get(), EC_GROUP_get0_order(curve->group), 0, nullptr) != 1)
      return;
  } while (BN_is_zero(number.get()));
  if (BN_bn2binpad(number.get(), bytes, static_cast<int>(curve->bytes)) > 0)
    return_bytes(arguments, {bytes, curve->bytes});
}

// ecPublic(bits of the curve, private key): the point of its public key
void ec_public(const Arguments &arguments) {
  const Curve *const curve = curve_argument(arguments, 0);
  const BigNumberContext context = number_context();
  if (!curve || !context)
    return;
  const BigNumber number = private_key(*curve, NativeBytes(arguments[1]));
  const Point point(EC_POINT_new(curve->group));
  if (number && point &&
      EC_POINT_mul(curve->group, point.get(), number.get(), nullptr, nullptr, context.get()) == 1)
    return_point(arguments, *curve, point.get(), context.get());
  ERR_clear_error();
}

// ecPoint(bits of the curve, point): the same, uncompressed
void ec_point(const Arguments &arguments) {
  const Curve *const curve = curve_argument(arguments, 0);
  const BigNumberContext context = number_context();
  if (!curve || !context)
    return;
  if (const Point point = read_point(*curve, NativeBytes(arguments[1]), context.get()))
    return_point(arguments, *curve, point.get(), context.get());
  ERR_clear_error();
}

// ecDerive(bits of the curve, private key, the other's point): the secret of ECDH
void ec_derive(const Arguments &arguments) {
  const Curve *const curve = curve_argument(arguments, 0);
  const BigNumberContext context = number_context();
  if (!curve || !context)
    return;
  const BigNumber number = private_key(*curve, NativeBytes(arguments[1])), x(BN_new());
  const Point other = read_point(*curve, NativeBytes(arguments[2]), context.get()),
              shared(EC_POINT_new(curve->group));
  unsigned char secret[most_coordinate_bytes];
  if (number && x && other && shared &&
      EC_POINT_mul(curve->group, shared.get(), nullptr, other.get(), number.get(), context.get()) ==
          1 &&
      EC_POINT_get_affine_coordinates(curve->group, shared.get(), x.get(), nullptr,
                                      context.get()) == 1 &&
      BN_bn2binpad(x.get(), secret, static_cast<int>(curve->bytes)) > 0)
    return_bytes(arguments, {secret, curve->bytes});
  ERR_clear_error();
}

// --- ECDSA -------------------------------------------------------------------------------------

// Of a private key (fixed length), or of a point.
Key make_key(const Curve &curve, const NativeBytes *number, const NativeBytes *point) {
  // OSSL_PARAM has numbers in the machine's order of bytes.
  unsigned char reversed[most_coordinate_bytes];
  OSSL_PARAM parameters[3], *next = parameters;
  *next++ = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
                                             const_cast<char *>(curve.name), 0);
  if (number) {
    if (!private_key(curve, *number))
      return nullptr;
    const BigNumber parsed(BN_bin2bn(number->data(), static_cast<int>(number->size()), nullptr));
    if (!parsed || BN_bn2nativepad(parsed.get(), reversed, static_cast<int>(curve.bytes)) < 0)
      return nullptr;
    *next++ = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, reversed, curve.bytes);
  } else {
    *next++ = OSSL_PARAM_construct_octet_string(
        OSSL_PKEY_PARAM_PUB_KEY, const_cast<unsigned char *>(point->data()), point->size());
  }
  *next = OSSL_PARAM_construct_end();
  const KeyContext context(
      EVP_PKEY_CTX_new_from_name(OpenSsl::instance().library(), "EC", nullptr));
  EVP_PKEY *key = nullptr;
  if (!context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, number ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY,
                        parameters) != 1)
    return nullptr;
  OPENSSL_cleanse(reversed, sizeof reversed);
  return Key(key);
}

// ecSign(bits of the curve, private key, bits of the digest, data): r and s, one after the other
void ec_sign(const Arguments &arguments) {
  const Curve *const curve = curve_argument(arguments, 0);
  const NativeBytes number(arguments[1]), data(arguments[3]);
  EVP_MD *const digest = OpenSsl::instance().digest(number_argument(arguments, 2));
  const DigestContext context(EVP_MD_CTX_new());
  if (!curve || !digest || !context)
    return;
  const Key key = make_key(*curve, &number, nullptr);
  unsigned char encoded[2 * most_coordinate_bytes + 16], signature[2 * most_coordinate_bytes];
  size_t size = sizeof encoded;
  const unsigned char *position = encoded;
  if (key && EVP_DigestSignInit(context.get(), nullptr, digest, nullptr, key.get()) == 1 &&
      EVP_DigestSign(context.get(), encoded, &size, data.data(), data.size()) == 1) {
    const EcdsaSignature parsed(d2i_ECDSA_SIG(nullptr, &position, static_cast<long>(size)));
    const int bytes = static_cast<int>(curve->bytes);
    if (parsed && BN_bn2binpad(ECDSA_SIG_get0_r(parsed.get()), signature, bytes) > 0 &&
        BN_bn2binpad(ECDSA_SIG_get0_s(parsed.get()), signature + bytes, bytes) > 0)
      return_bytes(arguments, {signature, 2 * curve->bytes});
  }
  ERR_clear_error();
}

// ecVerify(bits of the curve, point, bits of the digest, data, signature)
void ec_verify(const Arguments &arguments) {
  const Curve *const curve = curve_argument(arguments, 0);
  const NativeBytes point(arguments[1]), data(arguments[3]), signature(arguments[4]);
  EVP_MD *const digest = OpenSsl::instance().digest(number_argument(arguments, 2));
  const DigestContext context(EVP_MD_CTX_new());
  const EcdsaSignature parsed(ECDSA_SIG_new());
  arguments.GetReturnValue().Set(false);
  if (!curve || !digest || !context || !parsed || signature.size() != 2 * curve->bytes)
    return;
  const int bytes = static_cast<int>(curve->bytes);
  BigNumber r(BN_bin2bn(signature.data(), bytes, nullptr)),
      s(BN_bin2bn(signature.data() + bytes, bytes, nullptr));
  if (!r || !s || ECDSA_SIG_set0(parsed.get(), r.get(), s.get()) != 1)
    return;
  (void)r.release(); // they are the signature's now
  (void)s.release();
  unsigned char encoded[2 * most_coordinate_bytes + 16], *end = encoded;
  const int size = i2d_ECDSA_SIG(parsed.get(), nullptr);
  if (size <= 0 || static_cast<size_t>(size) > sizeof encoded ||
      i2d_ECDSA_SIG(parsed.get(), &end) != size)
    return;
  const Key key = make_key(*curve, nullptr, &point);
  arguments.GetReturnValue().Set(
      key && EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key.get()) == 1 &&
      EVP_DigestVerify(context.get(), encoded, static_cast<size_t>(size), data.data(),
                       data.size()) == 1);
  ERR_clear_error();
}

// --- Ed25519 and X25519 ------------------------------------------------------------------------

constexpr size_t okp_bytes = 32;

const char *okp_name(const Arguments &arguments, int index) {
  return arguments[index]->IsTrue() ? "ED25519" : "X25519";
}

Key okp_private_key(const char *name, const NativeBytes &bytes) {
  return Key(EVP_PKEY_new_raw_private_key_ex(OpenSsl::instance().library(), name, nullptr,
                                             bytes.data(), bytes.size()));
}

Key okp_public_key(const char *name, const NativeBytes &bytes) {
  return Key(EVP_PKEY_new_raw_public_key_ex(OpenSsl::instance().library(), name, nullptr,
                                            bytes.data(), bytes.size()));
}

// okpPublic(whether it is for signatures, private key): its public key
void okp_public(const Arguments &arguments) {
  const Key key = okp_private_key(okp_name(arguments, 0), NativeBytes(arguments[1]));
  unsigned char bytes[okp_bytes];
  size_t size = sizeof bytes;
  if (key && EVP_PKEY_get_raw_public_key(key.get(), bytes, &size) == 1)
    return_bytes(arguments, {bytes, size});
  ERR_clear_error();
}

// edSign(private key, data)
void ed_sign(const Arguments &arguments) {
  const Key key = okp_private_key("ED25519", NativeBytes(arguments[0]));
  const NativeBytes data(arguments[1]);
  const DigestContext context(EVP_MD_CTX_new());
  unsigned char signature[2 * okp_bytes];
  size_t size = sizeof signature;
  if (key && context &&
      EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
      EVP_DigestSign(context.get(), signature, &size, data.data(), data.size()) == 1)
    return_bytes(arguments, {signature, size});
  ERR_clear_error();
}

// The points whose order divides 8, as the bytes that encode them, the sign bit left out; the last
// two are not canonical. With one of them as the key, a signature can be good for any message.
constexpr unsigned char small_order_points[][okp_bytes] = {
    {0x00},
    {0x01},
    {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
     0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
     0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
    {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
     0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
     0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0xee, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
};

bool is_small_order(const unsigned char *point) {
  return std::ranges::any_of(small_order_points, [point](const auto &small) {
    return std::equal(small, small + okp_bytes - 1, point) &&
           small[okp_bytes - 1] == (point[okp_bytes - 1] & 0x7f);
  });
}

// edVerify(public key, data, signature)
void ed_verify(const Arguments &arguments) {
  const NativeBytes point(arguments[0]), data(arguments[1]), signature(arguments[2]);
  const DigestContext context(EVP_MD_CTX_new());
  arguments.GetReturnValue().Set(false);
  if (!context || point.size() != okp_bytes || signature.size() != 2 * okp_bytes ||
      is_small_order(point.data()) || is_small_order(signature.data()))
    return;
  const Key key = okp_public_key("ED25519", point);
  arguments.GetReturnValue().Set(
      key && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
      EVP_DigestVerify(context.get(), signature.data(), signature.size(), data.data(),
                       data.size()) == 1);
  ERR_clear_error();
}

// xDerive(private key, the other's public key): the secret of X25519; never the one that is all
// zero
void x_derive(const Arguments &arguments) {
  const Key key = okp_private_key("X25519", NativeBytes(arguments[0])),
            other = okp_public_key("X25519", NativeBytes(arguments[1]));
  const KeyContext context(
      key ? EVP_PKEY_CTX_new_from_pkey(OpenSsl::instance().library(), key.get(), nullptr)
          : nullptr);
  unsigned char secret[okp_bytes];
  size_t size = sizeof secret;
  if (other && context && EVP_PKEY_derive_init(context.get()) == 1 &&
      EVP_PKEY_derive_set_peer(context.get(), other.get()) == 1 &&
      EVP_PKEY_derive(context.get(), secret, &size) == 1)
    return_bytes(arguments, {secret, size});
  ERR_clear_error();
}

constexpr NativeFunction functions[] = {{"ecGenerate", ec_generate}, {"ecPublic", ec_public},
                                        {"ecPoint", ec_point},       {"ecDerive", ec_derive},
                                        {"ecSign", ec_sign},         {"ecVerify", ec_verify},
                                        {"okpPublic", okp_public},   {"edSign", ed_sign},
                                        {"edVerify", ed_verify},     {"xDerive", x_derive}};

} // namespace

const std::span<const NativeFunction> curve_natives = functions;

} // namespace lethe
