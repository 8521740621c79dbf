// SPDX-License-Identifier: Apache-2.0
// What is said of messages that are none.
#include "daemon/master/operation/flaw.h"

#include <criterion/criterion.h>

using lethe::describe_flaw;
using namespace std::string_view_literals;

namespace {

void is_described(std::string_view bytes, std::string_view wanted, std::string_view before = {}) {
  const std::string text = describe_flaw(bytes, before);
  cr_expect(text.find(wanted) != text.npos, "%s", text.c_str());
}

} // namespace

Test(flaw, other_protocols) {
  is_described("GET / HTTP/1.1\r\n\r\n"sv, "HTTP was sent");
  is_described("PRI * HTTP/2.0\r\n"sv, "HTTP was sent");
  is_described("{\"method\": 1}"sv, "JSON was sent");
  is_described("[0, 1]"sv, "JSON was sent");
  is_described("ping\n"sv, "text was sent");
  is_described("\x00\x00\x00\x1d"sv, "it is an integer, not the array");
}

Test(flaw, other_shapes) {
  is_described("\x81\xa2id\x01"sv, "it is a map, not the array [0, msgid, method, params]");
  is_described("\xa4ping"sv, "it is a str, not the array");
  is_described("\xd6\x07\x61\x62\x63\x64"sv, "it is an extension, not the array");
  is_described("\x90"sv, "its first part is nil");
  is_described("\x94\x03\x01\xa1x\x90"sv, "its first part is 3, not 0, 1 or 2");
  is_described("\x94\xa1\x30\x01\xa1x\x90"sv, "its first part is a str, not 0, 1 or 2");
  is_described("\x93\x00\x01\xa1x"sv, "it has 3 parts, and one of type 0 has 4");
  is_described("\x94\x02\x01\xa1x\x90"sv, "it has 4 parts, and one of type 2 has 3");
  is_described("\x94\x00\xa1\x37\xa1x\x90"sv, "its msgid is a str, not an integer");
  is_described("\x94\x00\xca\x40\xe0\x00\x00\xa1x\x90"sv, "its msgid is a float, not an integer");
  is_described("\x94\x00\xff\xa1x\x90"sv, "its msgid is -1, not within 0 and 2^32 - 1");
  is_described("\x94\x00\xcf\xff\xff\xff\xff\xff\xff\xff\xff\xa1x\x90"sv, "its msgid is");
  is_described("\x94\x00\x01\x05\x90"sv, "its method is an integer, not a str");
  is_described("\x94\x00\x01\xa1x\x80"sv, "its params are a map, not an array");
  is_described("\x93\x02\xc0\x90"sv, "its method is nil, not a str");
}

// { a: 1 } is an extension, its keys and then its values; only the first is part of the params.
Test(flaw, records_of_msgpackr) {
  is_described("\x91\xa1\x61\x01"sv, "useRecords: false",
               "\x94\x00\x07\xa4"
               "call\x93\xa1s\xa1\x66\x91\xd4\x72\x40"sv);
  is_described("\xd4\x72\x40\x91\xa1\x61\x01"sv, "useRecords: false");
  is_described("\x91\xa1\x61\x01"sv, "its first part is a str", "\x91\xd4\x71\x40"sv);
}
