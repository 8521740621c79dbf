// SPDX-License-Identifier: Apache-2.0
// daemon/DESIGN.md, table of values: one test for each row, both ways. Bytes are given in
// hexadecimal, so that the encoding itself is seen.
#include "ipc/hex.h"
#include "tests/harness/daemon.h"

#include <criterion/criterion.h>

using namespace lethe::test;

TestSuite(values, .timeout = 60);

namespace {

std::string from_hex(const std::string &digits) {
  std::string bytes;
  for (size_t i = 0; i + 1 < digits.size(); i += digits[i] == ' ' ? 1 : 2)
    if (digits[i] != ' ')
      bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  return bytes;
}

std::string without_spaces(std::string text) {
  std::erase(text, ' ');
  return text;
}

class Values {
public:
  // What expressions become in MessagePack.
  struct Given {
    std::string expression, bytes;
  };
  void give(std::initializer_list<Given> rows, Where where = Where::here()) {
    for (const auto &[expression, bytes] : rows) {
      const Reply reply = client_.request("eval", {"(" + expression + ")"});
      expect(!reply.failed(), expression + ": " + shown(reply.error()), where);
      if (lethe::to_hex(reply.result_bytes) != without_spaces(bytes))
        fail(expression + " became " + lethe::to_hex(reply.result_bytes), where);
    }
  }

  // Conditions about `value`, which arrives as these bytes, that are true.
  struct Arriving {
    std::string bytes, condition;
  };
  void arrive(std::initializer_list<Arriving> rows, Where where = Where::here()) {
    for (const auto &[bytes, condition] : rows) {
      const Reply reply = send_global(bytes, "String(" + condition + ")");
      expect(!reply.failed(), bytes + ": " + (reply.failed() ? shown(reply.error()) : ""), where);
      if (reply.result() != "true")
        fail(bytes + ": " + condition + " is " + shown(reply.result()), where);
    }
  }

  void is_invalid(const std::string &expression, const std::string &path,
                  Where where = Where::here()) {
    const json error = client_.error("eval", {"(" + expression + ")"}, where);
    expect_equal(error["code"], "invalid_value", where);
    expect_equal(error["path"], path, where);
  }

  Reply send_global(const std::string &bytes, const std::string &source) {
    const uint32_t msgid = 1'000'000 + ++count_;
    client_.send(std::string("\x94\x00", 2) + to_bytes(msgid) + to_bytes("eval") + "\x92" +
                 to_bytes(source) + "\x81" + to_bytes("globals") + "\x81" + to_bytes("value") +
                 from_hex(bytes));
    return client_.wait(msgid);
  }

private:
  Daemon daemon_{"pool.default.workers=1"};
  Client client_ = daemon_.connect();
  uint32_t count_ = 0;
};

} // namespace

Test(values, null_and_undefined) {
  Values values;
  values.give({
      {"null", "c0"},
      {"undefined", "c0"},
      {"{a: undefined, b: null}", "81 a162 c0"},
      {"[undefined]", "91 c0"},
  });
  values.arrive({{"c0", "value === null"}});
}

Test(values, booleans) {
  Values values;
  values.give({
      {"true", "c3"},
      {"false", "c2"},
  });
  values.arrive({
      {"c3", "value === true"},
      {"c2", "value === false"},
  });
}

Test(values, numbers) {
  Values values;
  values.give({
      {"0", "00"},
      {"127", "7f"},
      {"128", "cc80"},
      {"65535", "cdffff"},
      {"65536", "ce00010000"},
      {"-1", "ff"},
      {"-33", "d0df"},
      {"2 ** 53 - 1", "cf001fffffffffffff"},
      {"-(2 ** 53 - 1)", "d3ffe0000000000001"},
      {"2 ** 53", "cb4340000000000000"},
      {"-0", "cb8000000000000000"},
      {"0.5", "cb3fe0000000000000"},
      {"NaN", "cb7ff8000000000000"},
      {"Infinity", "cb7ff0000000000000"},
      {"-Infinity", "cbfff0000000000000"},
      {"new Number(7)", "07"},
  });
  values.arrive({
      {"cd0010", "value === 16"},
      {"d1ff00", "value === -256"},
      {"cb8000000000000000", "Object.is(value, -0)"},
      {"cb7ff8000000000000", "Number.isNaN(value)"},
      {"cbfff0000000000000", "value === -Infinity"},
      {"ca3fc00000", "value === 1.5"},
      {"cf001fffffffffffff", "value === Number.MAX_SAFE_INTEGER"},
  });
}

Test(values, big_integers) {
  Values values;
  values.give({
      {"5n", "05"},
      {"2n ** 64n - 1n", "cfffffffffffffffff"},
      {"-(2n ** 63n)", "d38000000000000000"},
  });
  values.is_invalid("2n ** 64n", "$");
  values.is_invalid("{a: [-(2n ** 63n) - 1n]}", "$.a[0]");
}

Test(values, integers_beyond_the_safe_ones_arrive_as_bigint) {
  Values values;
  values.arrive({
      {"cf0020000000000000", "value === 2n ** 53n"},
      {"cfffffffffffffffff", "value === 2n ** 64n - 1n"},
      {"d38000000000000000", "value === -(2n ** 63n)"},
      {"d3ffe0000000000000", "value === -(2n ** 53n)"},
  });
}

Test(values, strings) {
  Values values;
  values.give({
      {"''", "a0"},
      {"'aä€😀'", "aa 61 c3a4 e282ac f09f9880"},
      {"'\\ud800'", "a3 efbfbd"},
      {"'a\\udc00b'", "a5 61 efbfbd 62"},
      {"'\\0'", "a100"},
      {"new String('x')", "a178"},
      {"'x'.repeat(32).slice(0, 1) + 'é'.repeat(20)",
       "d929 78 c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9"
       "c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9"},
  });
  values.arrive({
      {"aa 61 c3a4 e282ac f09f9880", "value === 'aä€😀'"},
      {"a0", "value === ''"},
  });
}

Test(values, binary_data) {
  Values values;
  values.give({
      {"new Uint8Array([1, 2, 255])", "c403 0102ff"},
      {"new Uint8Array([1, 2, 3, 4]).subarray(1, 3)", "c402 0203"},
      {"new Uint16Array([1]).buffer", "c402 0100"},
      {"new Uint16Array([258])", "c402 0201"},
      {"new DataView(new ArrayBuffer(4), 2)", "c402 0000"},
      {"new ArrayBuffer(0)", "c400"},
  });
  values.arrive({
      {"c403 0102ff", "value instanceof Uint8Array && value.length === 3 && value[2] === 255"},
      {"c400", "value.length === 0"},
  });
}

Test(values, dates) {
  Values values;
  values.give({
      {"new Date(1000)", "d6ff 00000001"},
      {"new Date(1700000000123)", "d7ff 1d53 5300 6553 f100"},
      {"new Date(-1)", "c70cff 3b8b87c0 ffffffffffffffff"},
  });
  values.arrive({
      {"d6ff 00000001", "value instanceof Date && value.getTime() === 1000"},
      {"d7ff 1d53 5300 6553 f100", "value.getTime() === 1700000000123"},
      {"c70cff 3b8b87c0 ffffffffffffffff", "value.getTime() === -1"},
  });
}

Test(values, arrays_and_sets) {
  Values values;
  values.give({
      {"[1, 'a', [true]]", "93 01 a161 91 c3"},
      {"new Set([1, 2])", "92 01 02"},
      {"[1, , 3]", "93 01 c0 03"},
      {"Array.from({length: 16}, (_, i) => i)", "dc0010 000102030405060708090a0b0c0d0e0f"},
  });
  values.arrive({
      {"93 01 a161 91 c3", "Array.isArray(value) && value.length === 3 && value[2][0] === true"},
      {"90", "Array.isArray(value) && value.length === 0"},
  });
}

Test(values, maps) {
  Values values;
  values.give({{"new Map([[1, 'a'], ['b', 2], [null, 3]])", "83 01 a161 a162 02 c0 03"}});
  values.arrive({
      {"82 a161 01 a162 02", "!(value instanceof Map) && value.a === 1 && value.b === 2"},
      {"82 01 a161 a162 02",
       "value instanceof Map && value.get(1) === 'a' && value.get('b') === 2"},
      {"80", "Object.keys(value).length === 0 && !(value instanceof Map)"},
  });
}

Test(values, objects) {
  Values values;
  values.give({
      {"{a: 1, b: {c: 2}}", "82 a161 01 a162 81 a163 02"},
      {"{b: 1, a: 2, 1: 3}", "83 a131 03 a162 01 a161 02"},
      {"Object.defineProperty({a: 1}, 'hidden', {value: 2})", "81 a161 01"},
      {"Object.create({inherited: 1})", "80"},
      {"{[Symbol('s')]: 1}", "80"},
      {"{toJSON() { return {x: 1}; }}", "81 a178 01"},
      {"{inner: {toJSON(key) { return key; }}}", "81 a5 696e6e6572 a5 696e6e6572"},
      {"{get computed() { return 5; }}", "81 a8 636f6d7075746564 05"},
      {"new (class Point { x = 1; })", "81 a178 01"},
  });
}

Test(values, what_to_json_leaves_out_is_left_out_where_undefined_is) {
  Values values;
  values.give({
      {"{a: {toJSON() {}}, b: 1}", "81 a162 01"},
      {"{a: {toJSON() { return () => 1; }}, b: {toJSON() { return Symbol('s'); }}}", "80"},
      {"{a: {b: {toJSON() {}}, c: 2}, d: 3}", "82 a161 81 a163 02 a164 03"},
      {"{toJSON() {}}", "c0"},
      {"[{toJSON() {}}, 1]", "92 c0 01"},
      {"new Map([['k', {toJSON() {}}]])", "81 a16b c0"},
  });
}

Test(values, a_proxy_of_an_array_is_an_array) {
  Values values;
  values.give({
      {"new Proxy([1, new Proxy([2, 3], {})], {})", "92 01 92 02 03"},
      {"{list: new Proxy([{a: 1}], {})}", "81 a46c697374 91 81 a161 01"},
      {"new Proxy(new Proxy([], {}), {})", "90"},
      {"new Proxy([1, 2, 3], {get: (of, key) => key === 'length' ? 1.5 : 7})", "91 07"},
      {"new Proxy([1], {get: (of, key) => key === 'length' ? -1 : 7})", "90"},
      {"new Proxy({0: 1, length: 1}, {})", "82 a130 01 a6 6c656e677468 01"},
  });
  values.is_invalid("new Proxy([1, {b: 2n ** 64n}], {})", "$[1].b");
}

Test(values, an_array_that_is_too_long_is_refused_before_it_is_read) {
  Daemon daemon;
  Client client = daemon.connect();
  for (const std::string array :
       {"Object.assign([], {4294967294: 1})", "new Array(2 ** 32 - 1)",
        "({a: [new Array(2 ** 31)]})", "new Proxy([], {get: () => 1e15})"})
    expect_equal(client.eval_error("(" + array + ")", {{"deadline_ms", 1500}})["code"],
                 "too_large");
}

Test(values, proto_is_an_ordinary_property) {
  Values values;
  values.give({{"JSON.parse('{\"__proto__\": 1}')", "81 a9 5f5f70726f746f5f5f 01"}});
  values.arrive({{"81 a9 5f5f70726f746f5f5f 81 a178 01",
                  "Object.getPrototypeOf(value) === Object.prototype && value.x === undefined && "
                  "Object.keys(value)[0] === '__proto__'"}});
}

Test(values, errors) {
  Values values;
  const json error = json::from_msgpack(
      values.send_global("c0", "({e: new RangeError('m', {cause: new Error('inner')})})")
          .result_bytes)["e"];
  expect_equal(error["name"], "RangeError");
  expect_equal(error["message"], "m");
  expect_contains(error["stack"], "RangeError: m");
  expect_equal(error["cause"]["message"], "inner");
}

Test(values, what_of_an_error_can_be_sent_is_sent) {
  Values values;
  const json error = json::from_msgpack(
      values
          .send_global("c0", "const e = new AggregateError([new Error('one'), 2], 'all');"
                             "Object.assign(e, {code: 'X', big: 2n ** 80n, at: new Date(NaN),"
                             " self: e, list: [1, e], f() {}});"
                             "Object.defineProperty(e, 'bad', {enumerable: true,"
                             " get() { throw 1; }});"
                             "({e})")
          .result_bytes)["e"];
  expect_members(error, {{"name", "AggregateError"}, {"message", "all"}, {"code", "X"}});
  expect_equal(error["errors"][0]["message"], "one");
  expect_equal(error["errors"][1], 2);
  for (const std::string lost : {"big", "at", "self", "list", "f", "bad"})
    expect(!error.contains(lost), lost);
}

Test(values, functions_and_symbols) {
  Values values;
  values.give({
      {"{f() {}, s: Symbol('s'), a: 1}", "81 a161 01"},
      {"[() => 1, Symbol('s'), 1]", "93 c0 c0 01"},
      {"(() => 1)", "c0"},
  });
}

Test(values, cycles_and_too_deep_nesting) {
  Values values;
  values.is_invalid("(() => { const o = {a: []}; o.a.push(1, o); return o; })()", "$.a[1]");
  const json error =
      values.send_global("c0", "let o = 1; for (let i = 0; i < 5000; ++i) o = [o]; o").error();
  expect_equal(error["code"], "invalid_value");
  expect_contains(error["path"], "$[0][0][0]");
  values.give({{"(() => { const shared = {x: 1}; return [shared, shared]; })()",
                "92 81 a178 01 81 a178 01"}}); // twice is no cycle
}

Test(values, a_polluted_prototype_changes_nothing) {
  Values values;
  const std::string pollute =
      "(Object.prototype.injected = 1, Array.prototype.toJSON = () => 'x', "
      "Map.prototype[Symbol.iterator] = null, Array.prototype.push = null, ";
  values.give({
      {pollute + "delete Array.prototype.toJSON, {a: [1, 2]})", "81 a161 92 01 02"},
      {pollute + "delete Array.prototype.toJSON, new Map([['k', 1]]))", "81 a16b 01"},
  });
}

Test(values, a_getter_that_throws_is_the_scripts_error) {
  Values values;
  const json error =
      values.send_global("c0", "({get a() { throw new TypeError('in getter'); }})").error();
  expect_equal(error["code"], "script_error");
  expect_equal(error["name"], "TypeError");
}

Test(values, arguments_are_converted_like_globals) {
  Daemon daemon({"pool.default.workers=1"});
  Client client = daemon.connect();
  client.put("s", "function kinds(...values) { return values.map(value => Object.prototype.toString"
                  ".call(value).slice(8, -1)); }");
  client.send(std::string("\x94\x00\x01", 3) + to_bytes("call") + "\x93" + to_bytes("s") +
              to_bytes("kinds") +
              from_hex("99 c0 c3 01 cf0020000000000000 a161 c40101 d6ff00000001 90 8101 02"));
  expect_equal(client.wait(1).result(), {"Null", "Boolean", "Number", "BigInt", "String",
                                         "Uint8Array", "Date", "Array", "Map"});
}
