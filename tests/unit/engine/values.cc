// SPDX-License-Identifier: Apache-2.0
// Every row of the table of values, both ways.
#include "tests/unit/worker/world.h"

#include <criterion/criterion.h>

using lethe::to_hex;
using lethe::test::World;

namespace {

struct Row {
  const char *source, *bytes; // as hex
};

void check_results(const Row *rows, size_t count) {
  World world;
  for (size_t i = 0; i < count; ++i) {
    const std::string result = world.eval(rows[i].source);
    cr_expect_eq(to_hex(result), rows[i].bytes, "%s gives %s (%s)", rows[i].source,
                 to_hex(result).c_str(), result.c_str());
  }
}

// `x` is what the bytes are; the source must be true.
void check_arguments(const Row *rows, size_t count) {
  World world;
  for (size_t i = 0; i < count; ++i) {
    std::string globals = "\x81\xa1x";
    for (const char *digit = rows[i].bytes; *digit; digit += 2)
      globals += static_cast<char>(std::stoi(std::string(digit, 2), nullptr, 16));
    const std::string result = world.eval(rows[i].source, globals);
    cr_expect_eq(result, "\xc3", "%s is not true: %s", rows[i].source, result.c_str());
  }
}

} // namespace

#define CHECK(how, rows) how(rows, sizeof(rows) / sizeof(rows[0]))

Test(values_out, primitives) {
  const Row rows[] = {
      {"null", "c0"},
      {"undefined", "c0"},
      {"true", "c3"},
      {"false", "c2"},
      {"0", "00"},
      {"-1", "ff"},
      {"128", "cc80"},
      {"-129", "d1ff7f"},
      {"2**31", "ce80000000"},
      {"2**53-1", "cf001fffffffffffff"},
      {"-(2**53-1)", "d3ffe0000000000001"},
      {"2**53", "cb4340000000000000"},
      {"-0", "cb8000000000000000"},
      {"1.5", "cb3ff8000000000000"},
      {"NaN", "cb7ff8000000000000"},
      {"-Infinity", "cbfff0000000000000"},
      {"5n", "05"},
      {"-(2n**63n)", "d38000000000000000"},
      {"2n**64n-1n", "cfffffffffffffffff"},
      {"''", "a0"},
      {"'ä€'", "a5c3a4e282ac"},
      {"'\\u{1F600}'", "a4f09f9880"},
      {"'\\ud800'", "a3efbfbd"},
      {"'a\\udc00b'", "a561efbfbd62"},
      {"Symbol('s')", "c0"},
      {"(function () {})", "c0"},
      {"new Number(3)", "03"},
      {"new String('s')", "a173"},
      {"new Boolean(false)", "c2"},
      {"Object(7n)", "07"},
  };
  CHECK(check_results, rows);
}

Test(values_out, strings_around_the_sizes_of_their_heads) {
  World world;
  for (const size_t length : {10u, 11u, 31u, 32u, 85u, 86u, 255u, 256u, 1365u, 4095u, 4096u, 21845u,
                              21846u, 65535u, 65536u, 70000u})
    for (const char *letter : {"a", "€"}) {
      const std::string repeat = "'.repeat(" + std::to_string(length) + ")";
      std::string result = world.eval("'" + std::string(letter) + repeat);
      const size_t bytes = length * std::string_view(letter).size();
      const size_t head = bytes < 32 ? 1 : bytes < 256 ? 2 : bytes < 65536 ? 3 : 5;
      cr_expect_eq(result.size(), head + bytes, "%zu times %s", length, letter);
      cr_expect(result.ends_with(letter));
    }
}

Test(values_out, containers) {
  const Row rows[] = {
      {"[]", "90"},
      {"[1,,undefined,()=>1,Symbol()]", "9501c0c0c0c0"},
      {"new Set([1,'a'])", "9201a161"},
      {"new Map([[1,2],['a',[]],[null,true]])", "830102a16190c0c3"},
      {"({})", "80"},
      {"({a:1,b:undefined,c(){},[Symbol()]:1,d:null})", "82a16101a164c0"},
      {"({2:1,1:2})", "82a13102a13201"},
      {"Object.create({inherited:1})", "80"},
      {"Object.defineProperty({}, 'hidden', {value: 1})", "80"},
      {"JSON.parse('{\"__proto__\":1}')", "81a95f5f70726f746f5f5f01"},
      {"({toJSON() { return 7 }})", "07"},
      {"({a:{toJSON(key) { return key }}})", "81a161a161"},
      {"Object.fromEntries([...Array(16)].map((_, i) => [i, undefined]))", "de0000"},
      {"/x/", "80"},
      {"new Proxy({a:1}, {})", "81a16101"},
  };
  CHECK(check_results, rows);
}

// Bytes and dates are as deep as numbers are: what could be read can be written.
Test(values_out, what_holds_one_value_is_no_level) {
  const Row rows[] = {
      {"Array(16).fill().reduce(v => [v], new Uint8Array([1]))",
       "91919191919191919191919191919191c40101"},
      {"Array(16).fill().reduce(v => [v], new Date(0))",
       "91919191919191919191919191919191d6ff00000000"},
      {"Array(16).fill().reduce(v => [v], new Number(1))", "9191919191919191919191919191919101"},
  };
  CHECK(check_results, rows);
}

Test(values_out, bytes) {
  const Row rows[] = {
      {"new Uint8Array([1,2])", "c4020102"},
      {"new Uint8Array([1,2]).buffer", "c4020102"},
      {"new Uint16Array([1])", "c4020100"},
      {"new DataView(new Uint8Array([1,2,3]).buffer, 1)", "c4020203"},
      {"new Uint8Array(new SharedArrayBuffer(2))", "c4020000"},
      {"new SharedArrayBuffer(1)", "c40100"},
      {"new ArrayBuffer(0)", "c400"},
  };
  CHECK(check_results, rows);
}

Test(values_out, dates_in_the_three_formats) {
  const Row rows[] = {
      {"new Date(0)", "d6ff00000000"},
      {"new Date(1000*(2**32-1))", "d6ffffffffff"},
      {"new Date(1500)", "d7ff7735940000000001"},
      {"new Date(1000*2**32)", "d7ff0000000100000000"},
      {"new Date(-1)", "c70cff3b8b87c0ffffffffffffffff"},
      {"new Date(8.64e15)", "c70cff00000000000007dba8218000"},
  };
  CHECK(check_results, rows);
}

Test(values_out, errors) {
  World world;
  const std::string result = world.eval("new TypeError('no', {cause: 5})");
  cr_expect(result.starts_with("\x84\xa4name\xa9TypeError\xa7message\xa2no\xa5stack"));
  cr_expect(result.ends_with("\xa5"
                             "cause\x05"));
}

Test(values_out, what_cannot_be_sent_says_where_it_is) {
  World world;
  const char *const rows[][2] = {
      {"({a:[1,{b:2n**64n}]})", "at $.a[1].b"},
      {"({'two words':new Date(NaN)})", "at $[\"two words\"]"},
      {"let a={}; a.self=[a]; a", "at $.self[0]"},
      {"let v=1; for (let i=0;i<16;++i) v=[v]; [v]", "at $[0][0]"},
      {"new Map([['k', 2n**64n]])", "at $.k"},
  };
  for (const auto &[source, path] : rows) {
    const std::string result = world.eval(source);
    cr_expect(result.starts_with("invalid_value: "), "%s: %s", source, result.c_str());
    cr_expect(result.find(path) != result.npos, "%s: %s", source, result.c_str());
  }
  cr_expect_eq(world.eval("let v=1; for (let i=0;i<16;++i) v=[v]; v").size(), 17u);
  cr_expect_eq(to_hex(world.eval("let a=[1]; [a,a]")), "9291019101", "twice is no cycle");
}

Test(values_out, a_getter_that_throws_is_the_scripts_error) {
  World world;
  const std::string getter = world.eval("({get a() { throw new Error('mine') }})");
  cr_expect_eq(getter, "script_error: mine");
  const std::string to_json = world.eval("({toJSON() { null.x }})");
  cr_expect(to_json.starts_with("script_error: Cannot read"));
}

Test(values_out, results_over_the_limit) {
  World world;
  world.limits.max_bytes = 1000;
  for (const char *source : {"'a'.repeat(1001)", "Array(1e8)", "new Uint8Array(1000)",
                             "[...Array(30)].map(() => 'x'.repeat(40))"})
    cr_expect(world.eval(source).starts_with("too_large: "), "%s", source);
  cr_expect_eq(world.eval("'a'.repeat(990)").size(), 993u);
}

Test(values_in, all_kinds) {
  const Row rows[] = {
      {"x === null", "c0"},
      {"x === true", "c3"},
      {"x === -1", "ff"},
      {"x === 4294967295", "ceffffffff"},
      {"x === Number.MAX_SAFE_INTEGER", "cf001fffffffffffff"},
      {"x === 2n**53n", "cf0020000000000000"},
      {"x === 2n**64n-1n", "cfffffffffffffffff"},
      {"x === -(2n**63n)", "d38000000000000000"},
      {"x === 1.5", "cb3ff8000000000000"},
      {"x === 0.5", "ca3f000000"},
      {"Object.is(x, -0)", "cb8000000000000000"},
      {"Number.isNaN(x)", "cb7ff8000000000000"},
      {"x === 'ä€'", "a5c3a4e282ac"},
      {"x === '\\ufffd'", "a3efbfbd"},
      {"x.constructor === Uint8Array && x.length === 2 && x[1] === 255", "c40200ff"},
      {"Array.isArray(x) && x.length === 2 && x[1][0] === 2", "92019102"},
      {"Object.getPrototypeOf(x) === Object.prototype && x.a === 1", "81a16101"},
      {"x instanceof Object && !(x instanceof Map)", "80"},
      {"x instanceof Map && x.get(1) === 2 && x.get('a') === 3", "820102a16103"},
      {"Object.hasOwn(x, '__proto__') && x.__proto__ === 1", "81a95f5f70726f746f5f5f01"},
      {"Object.keys(x)[0] === '5' && x[5] === 1", "81a13501"},
      {"x instanceof Date && +x === 1000", "d6ff00000001"},
      {"+x === 1500", "d7ff7735940000000001"},
      {"+x === -1", "c70cff3b8b87c0ffffffffffffffff"},
      {"+x === 999", "d7ffee6b27fc00000000"}, // 999,999,999 ns
  };
  CHECK(check_arguments, rows);
}

Test(values_in, changed_prototypes_see_nothing) {
  World world;
  const std::string source =
      "Object.defineProperty(Object.prototype, 'a', {set() { globalThis.seen = true }});"
      "Array.prototype.push = Map.prototype.set = () => { globalThis.seen = true }; 1";
  cr_expect_eq(to_hex(world.eval(source)), "01");
  cr_expect_eq(to_hex(world.eval("typeof seen + x.a", "\x81\xa1x\x81\xa1"
                                                      "a\x05")),
               to_hex("\xaaundefined5"));
}

Test(values_in, refused) {
  World world;
  cr_expect(world.eval("x", "\x81\xa1x\xd4\x05\x01").starts_with("invalid_value: "));
  cr_expect(world.eval("x", "\x91\x01").starts_with("invalid_value: "));
  const char *const broken[][2] = {
      {"\xa1\xff", "$.x"},                           // alone
      {"\xa8\xc3\xa4\xe2\x82\xac\xe2\x82z", "$.x"},  // cut in a character
      {"\xa3\xed\xa0\x80", "$.x"},                   // a surrogate
      {"\x92\x01\x81\xa1k\xa2\xc0\x80", "$.x[1].k"}, // too long a form
      {"\x92\x01\x81\xa1\xe4\x01", "$.x[1]"},        // a key, in Latin 1
      {"\x91\xa2\x61\xe4", "$.x[0]"},
  };
  for (const auto &[bytes, path] : broken) {
    const std::string result = world.eval("x", std::string("\x81\xa1x") + bytes);
    cr_expect_eq(result,
                 std::string("invalid_value: a str is not UTF-8: bytes are sent as bin at ") + path,
                 "%s", result.c_str());
  }
  cr_expect(world.eval("1", "\x81\xa1\xffx").ends_with("at $"), "a global's name");
  cr_expect(world.eval("1", "\x81\xa1x\x92\x01\x91\xd4\x05\x01").ends_with("at $.x[1][0]"));
  std::string deep = "\x81\xa1x";
  deep += std::string(20, '\x91') + "\x01";
  cr_expect(world.eval("x", deep).starts_with("invalid_value: "));
  // A second more of nanoseconds: by libraries that count wrong before 1970.
  using namespace std::string_view_literals;
  for (const std::string_view timestamp :
       {"\xd7\xff\xee\x6b\x28\0\0\0\0\0"sv, "\xc7\x0c\xff\x3b\x9a\xca\0\0\0\0\0\0\0\0\0"sv})
    cr_expect(world.eval("x", "\x81\xa1x" + std::string(timestamp)).starts_with("invalid_value: "));
}
