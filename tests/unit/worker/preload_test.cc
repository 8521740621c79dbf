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
