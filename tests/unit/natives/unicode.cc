// SPDX-License-Identifier: Apache-2.0
// The coders against a slow and obvious one, over texts that are cut everywhere.
#include "daemon/natives/unicode.h"
#include "daemon/natives/base64.h"

#include <criterion/criterion.h>
#include <cstring>
#include <random>
#include <string>
#include <vector>

using namespace lethe;

namespace {

using Bytes = std::vector<unsigned char>;
using Units = std::vector<uint16_t>;

// https://encoding.spec.whatwg.org/#utf-8-decoder, step by step. Empty if `on_error` stops it.
Units decode_slowly(const Bytes &bytes) {
  Units units;
  uint32_t point = 0;
  int needed = 0, lower = 0x80, upper = 0xBF;
  for (size_t i = 0; i < bytes.size(); ++i) {
    const int byte = bytes[i];
    if (needed == 0) {
      if (byte <= 0x7F) {
        units.push_back(static_cast<uint16_t>(byte));
      } else if (byte >= 0xC2 && byte <= 0xDF) {
        needed = 1;
        point = byte & 0x1F;
      } else if (byte >= 0xE0 && byte <= 0xEF) {
        lower = byte == 0xE0 ? 0xA0 : 0x80;
        upper = byte == 0xED ? 0x9F : 0xBF;
        needed = 2;
        point = byte & 0xF;
      } else if (byte >= 0xF0 && byte <= 0xF4) {
        lower = byte == 0xF0 ? 0x90 : 0x80;
        upper = byte == 0xF4 ? 0x8F : 0xBF;
        needed = 3;
        point = byte & 7;
      } else {
        units.push_back(0xFFFD);
      }
      continue;
    }
    if (byte < lower || byte > upper) {
      needed = 0;
      lower = 0x80;
      upper = 0xBF;
      units.push_back(0xFFFD);
      --i;
      continue;
    }
    lower = 0x80;
    upper = 0xBF;
    point = point << 6 | (byte & 0x3F);
    if (--needed > 0)
      continue;
    if (point >= 0x10000) {
      units.push_back(static_cast<uint16_t>(0xD800 + ((point - 0x10000) >> 10)));
      units.push_back(static_cast<uint16_t>(0xDC00 + ((point - 0x10000) & 0x3FF)));
    } else {
      units.push_back(static_cast<uint16_t>(point));
    }
  }
  if (needed > 0)
    units.push_back(0xFFFD);
  return units;
}

// In pieces of `size` bytes, each copied to memory of its own, so that reading beyond is noticed.
template <typename State, typename Decode>
Units decode_in_pieces(const Bytes &bytes, size_t size, Decode decode) {
  Units units;
  State state;
  for (size_t at = 0; at < bytes.size() || at == 0; at += size) {
    const size_t count = std::min(size, bytes.size() - at);
    const Bytes piece(bytes.begin() + static_cast<long>(at),
                      bytes.begin() + static_cast<long>(at + count));
    Units target(decoded_capacity(count) + 1, 0xABCD);
    const Decoded decoded = decode(state, piece, target.data(), at + size >= bytes.size());
    cr_assert_eq(target.back(), 0xABCD, "nothing is written beyond the capacity");
    units.insert(units.end(), target.begin(), target.begin() + static_cast<long>(decoded.units));
  }
  return units;
}

Decoded as_utf8(Utf8State &state, const Bytes &bytes, uint16_t *target, bool is_last) {
  return decode_utf8(state, bytes, target, OnError::replace, is_last);
}

// Bytes that are often nearly UTF-8.
Bytes random_bytes(std::mt19937 &random, size_t length) {
  constexpr unsigned char likely[] = {'a',  'b',  0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0,
                                      0xC2, 0xDF, 0xE0, 0xE2, 0xED, 0xEF, 0xF0, 0xF3, 0xF4, 0xF5};
  Bytes bytes(length);
  for (unsigned char &byte : bytes)
    byte =
        random() % 8 == 0 ? static_cast<unsigned char>(random()) : likely[random() % sizeof likely];
  return bytes;
}

} // namespace

Test(unicode, utf8_is_decoded_as_the_standard_says_however_it_is_cut) {
  std::mt19937 random(1);
  for (int round = 0; round < 20000; ++round) {
    const Bytes bytes = random_bytes(random, random() % 40);
    const Units wanted = decode_slowly(bytes);
    for (const size_t size : {size_t{1}, size_t{2}, size_t{3}, size_t{5}, size_t{100}})
      cr_assert(decode_in_pieces<Utf8State>(bytes, size, as_utf8) == wanted,
                "round %d in pieces of %zu", round, size);
    Units target(decoded_capacity(bytes.size()));
    Utf8State state;
    const bool has_replacement = std::find(wanted.begin(), wanted.end(), 0xFFFD) != wanted.end();
    const Bytes replacement = {0xEF, 0xBF, 0xBD};
    const bool has_encoded = std::search(bytes.begin(), bytes.end(), replacement.begin(),
                                         replacement.end()) != bytes.end();
    if (!has_encoded)
      cr_assert_eq(decode_utf8(state, bytes, target.data(), OnError::stop, true).is_malformed,
                   has_replacement, "round %d", round);
  }
}

Test(unicode, what_is_encoded_is_decoded_to_the_same) {
  std::mt19937 random(2);
  for (int round = 0; round < 20000; ++round) {
    Units units(random() % 40), wanted;
    for (uint16_t &unit : units)
      unit = static_cast<uint16_t>(random() % 4 == 0   ? 0xD800 + random() % 0x800
                                   : random() % 2 == 0 ? random() % 0x80
                                                       : random());
    for (size_t i = 0; i < units.size(); ++i) {
      const bool is_lead = (units[i] & 0xFC00) == 0xD800, is_trail = (units[i] & 0xFC00) == 0xDC00;
      if (is_lead && i + 1 < units.size() && (units[i + 1] & 0xFC00) == 0xDC00) {
        wanted.push_back(units[i]);
        wanted.push_back(units[++i]);
      } else {
        wanted.push_back(is_lead || is_trail ? 0xFFFD : units[i]);
      }
    }
    Bytes bytes(utf8_length(units));
    const Encoded encoded = encode_utf8(std::span<const uint16_t>(units), bytes);
    cr_assert_eq(encoded.read, units.size());
    cr_assert_eq(encoded.written, bytes.size());
    cr_assert(decode_in_pieces<Utf8State>(bytes, 7, as_utf8) == wanted, "round %d", round);
    // Less room: what has been written is the beginning, and ends with a whole character.
    Bytes less(bytes.empty() ? 0 : random() % bytes.size());
    const Encoded part = encode_utf8(std::span<const uint16_t>(units), less);
    cr_assert(
        std::equal(less.begin(), less.begin() + static_cast<long>(part.written), bytes.begin()));
    cr_assert_eq(utf8_length(std::span<const uint16_t>(units).first(part.read)), part.written);
    cr_assert_gt(part.written + 4, less.size());
  }
}

Test(unicode, latin1_is_encoded_up_to_the_room_there_is) {
  std::mt19937 random(3);
  for (int round = 0; round < 5000; ++round) {
    Bytes latin1(random() % 100);
    for (unsigned char &byte : latin1)
      byte = static_cast<unsigned char>(random() % 4 == 0 ? random() : random() % 128);
    const Units units(latin1.begin(), latin1.end());
    Bytes bytes(latin1.size() + count_beyond_ascii(latin1)), wanted(utf8_length(units));
    cr_assert_eq(bytes.size(), wanted.size());
    encode_utf8(std::span<const uint16_t>(units), wanted);
    cr_assert_eq(encode_utf8(std::span<const unsigned char>(latin1), bytes).read, latin1.size());
    cr_assert(bytes == wanted);
    Bytes less(bytes.empty() ? 0 : random() % bytes.size());
    const Encoded part = encode_utf8(std::span<const unsigned char>(latin1), less);
    const Encoded same = encode_utf8(std::span<const uint16_t>(units), less);
    cr_assert_eq(part.read, same.read);
    cr_assert_eq(part.written, same.written);
  }
}

Test(unicode, utf16_is_decoded_the_same_however_it_is_cut) {
  std::mt19937 random(4);
  for (int round = 0; round < 10000; ++round) {
    Bytes bytes(random() % 24);
    for (unsigned char &byte : bytes)
      byte = static_cast<unsigned char>(random() % 2 == 0 ? 0xD8 + random() % 8 : random());
    for (const bool is_big_endian : {false, true}) {
      const auto decode = [&](Utf16State &state, const Bytes &piece, uint16_t *target,
                              bool is_last) {
        return decode_utf16(state, piece, is_big_endian, target, OnError::replace, is_last);
      };
      const Units whole = decode_in_pieces<Utf16State>(bytes, 100, decode);
      for (const size_t size : {size_t{1}, size_t{2}, size_t{3}})
        cr_assert(decode_in_pieces<Utf16State>(bytes, size, decode) == whole, "round %d", round);
      for (size_t i = 0; i < whole.size(); ++i) // no surrogate is alone
        if ((whole[i] & 0xFC00) == 0xD800)
          cr_assert(i + 1 < whole.size() && (whole[++i] & 0xFC00) == 0xDC00);
        else
          cr_assert_neq(whole[i] & 0xFC00, 0xDC00);
    }
  }
}

Test(base64, every_byte_and_every_length_go_through) {
  std::mt19937 random(5);
  for (size_t length = 0; length < 300; ++length) {
    Bytes bytes(length);
    for (unsigned char &byte : bytes)
      byte = static_cast<unsigned char>(random());
    Bytes text(base64_length(length)), back(text.size());
    encode_base64(bytes, text.data());
    // White space anywhere, and no padding.
    const auto decode = [&](const Bytes &input) {
      back.assign(input.size(), 0);
      const auto decoded = decode_base64(input, back.data());
      return decoded && *decoded == length && std::equal(bytes.begin(), bytes.end(), back.begin());
    };
    cr_assert(decode(text), "%zu bytes", length);
    Bytes spaced;
    for (const unsigned char character : text) {
      if (random() % 3 == 0)
        spaced.push_back(" \t\n\f\r"[random() % 5]);
      if (character != '=')
        spaced.push_back(character);
    }
    cr_assert(decode(spaced), "%zu bytes", length);
    if (!text.empty()) {
      Bytes broken = text;
      broken[random() % (text.size() < 4 ? 1 : text.size() - 3)] = '-';
      cr_assert_not(decode_base64(broken, back.data()).has_value(), "%zu bytes", length);
    }
  }
}
