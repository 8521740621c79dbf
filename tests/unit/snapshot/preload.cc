// SPDX-License-Identifier: Apache-2.0
// What a preload script has begun with native functions, in another process.
#include "tests/unit/worker/world.h"

#include <criterion/criterion.h>

using lethe::PreloadFile;
using lethe::test::World;

Test(preload, half_a_character_in_a_decoder_comes_through_the_snapshot) {
  World world(std::vector<PreloadFile>{
      {"preload.js", "var decoder = new TextDecoder();"
                     "decoder.decode(new Uint8Array([0xe2, 0x82]), { stream: true });"
                     "var bytes = structuredClone(new TextEncoder().encode('x'));"}});
  const std::string text = world.eval("decoder.decode(new Uint8Array([0xac])) + bytes[0]");
  cr_assert_eq(text,
               "\xa6\xe2\x82\xac"
               "120",
               "%s", text.c_str());
}

Test(preload, a_compressor_says_that_it_does_not) {
  World world(
      std::vector<PreloadFile>{{"preload.js", "var stream = new CompressionStream('gzip');"}});
  const std::string text = world.eval("stream.writable.getWriter().write(new Uint8Array(1));"
                                      "stream.readable.getReader().read().catch(String)");
  cr_assert_neq(text.find("cannot be kept in a startup snapshot"), std::string::npos, "%s",
                text.c_str());
}

// A stream is kept that has been used, with zlib's state behind it; others are done with.
Test(preload, a_compressor_serves_the_preload_script_itself) {
  World world(std::vector<PreloadFile>{
      {"preload.js",
       "var packed, unpacked, kept = new CompressionStream('deflate');"
       "var writer = kept.writable.getWriter(); writer.write(new Uint8Array(100000));"
       "var reader = kept.readable.getReader(); reader.read();"
       "const pass = async (stream, bytes) => { const writer = stream.writable.getWriter();"
       "  writer.write(bytes); writer.close();"
       "  return new Uint8Array(await new Response(stream.readable).arrayBuffer()); };"
       "for (let i = 0; i < 100; ++i) new CompressionStream('gzip');"
       "pass(new CompressionStream('gzip'), new TextEncoder().encode('hello'))"
       "  .then((bytes) => { packed = bytes;"
       "    return pass(new DecompressionStream('gzip'), bytes); })"
       "  .then((bytes) => { unpacked = new TextDecoder().decode(bytes); });"}});
  const std::string text =
      world.eval("pass(new DecompressionStream('gzip'), packed)"
                 "  .then((bytes) => [unpacked, new TextDecoder().decode(bytes)].join(';'))"
                 "  .then((texts) => { writer.write(new Uint8Array(1)).catch(() => {});"
                 "    return reader.read().catch((e) => texts + e); })");
  cr_assert_neq(text.find("hello;hello"), std::string::npos, "%s", text.c_str());
  cr_assert_neq(text.find("cannot be kept in a startup snapshot"), std::string::npos, "%s",
                text.c_str());
}

// V8 leaves some built-ins out while a snapshot is built, and adds them to each context made from
// it.
Test(preload, built_ins_that_come_later_are_there_for_preload_scripts_and_then_the_engines_own) {
  World world(std::vector<PreloadFile>{
      {"preload.js",
       "var results = [[1, 2].at(-1), 'ab'.at(-1), [1, 2, 3].findLast((n) => n < 3),"
       "               new Uint8Array([7]).at(0), Object.hasOwn({ a: 1 }, 'a')].join();"
       "var lent = Object.hasOwn;"
       "Array.prototype.findLastIndex = 'my own'; Error.stackTraceLimit = 50;"}});
  const std::string text = world.eval(
      "const twice = (object) => { const keys = Reflect.ownKeys(object);"
      "                            return keys.length - new Set(keys).size; };"
      "[results, lent({}, 'a'), /native code/.test(Object.hasOwn),"
      " /native code/.test([].at), twice(Object) + twice(Error), twice(Array.prototype),"
      " twice(Array.prototype[Symbol.unscopables]), delete Array.prototype.at, [].at].join(';')");
  cr_assert_neq(text.find("2,b,2,7,true;false;true;true;0;0;0;true;"), std::string::npos, "%s",
                text.c_str());
}

Test(preload, scripts_can_use_every_global) {
  World world(std::vector<PreloadFile>{
      {"preload.js",
       "for (const name of Object.getOwnPropertyNames(globalThis)) globalThis[name];"
       "var url = new URL('../x?a=1', 'http://example.org/y/z');"
       "var text = new TextDecoder('iso-8859-2').decode(new Uint8Array([0xb1]))"
       "           + new TextDecoder('big5').decode(new Uint8Array([0xa4, 0xa4]));"}});
  const std::string text =
      world.eval("[url.searchParams.get('a') + url, text === '\u0105\u4e2d',"
                 "new TextDecoder('koi8-r').decode(new Uint8Array([0xc1])) === '\u0430'].join()");
  cr_assert_neq(text.find("1http://example.org/x?a=1,true,true"), std::string::npos, "%s",
                text.c_str());
}
