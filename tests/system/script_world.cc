// SPDX-License-Identifier: Apache-2.0
// What a script finds is what client/SCRIPTS.md and client/types say.
#include "tests/harness/daemon.h"

#include <criterion/criterion.h>

using namespace lethe::test;

TestSuite(script_world, .timeout = 60);

namespace {

// Runs a script of tests/types, which the build has checked against the declarations.
void expect_as_declared(const std::string &file, const json &options) {
  Daemon daemon;
  Client client = daemon.connect();
  client.on_host_call = [](uint32_t, const std::string &name, const json &arguments) {
    expect_equal(name, "double");
    return json(arguments[0].get<int>() * 2);
  };
  client.put("types", read_file(build_folder() / "npm" / "types" / (file + ".js")), options);
  const json results = client.call("types", "run");
  expect(!results.empty(), "nothing was used");
  for (const auto &[name, is_right] : results.items())
    expect(is_right == true, name);
}

} // namespace

Test(script_world, is_as_declared_for_typescript) {
  expect_as_declared("globals", {{"module", true}});
}

Test(script_world, is_as_declared_for_typescript_with_node_globals) {
  expect_as_declared("node_globals", {{"module", true}, {"node_globals", true}});
}

Test(script_world, every_global_is_documented) {
  const std::string text = read_file(source_folder() / "client" / "SCRIPTS.md");
  // Of ECMAScript: what the language has by itself is not listed.
  const std::string language = " AggregateError AsyncDisposableStack DisposableStack "
                               "SuppressedError Array ArrayBuffer BigInt BigInt64Array "
                               "BigUint64Array Boolean DataView Date Error"
                               " EvalError Float16Array Float32Array Float64Array Function "
                               "Infinity Int16Array Int32Array Int8Array"
                               " JSON Map Math NaN Number Object Promise Proxy RangeError "
                               "ReferenceError Reflect RegExp Set String"
                               " Symbol SyntaxError TypeError URIError Uint16Array Uint32Array "
                               "Uint8Array Uint8ClampedArray WeakMap"
                               " WeakSet decodeURI decodeURIComponent encodeURI encodeURIComponent "
                               "escape eval globalThis isFinite"
                               " isNaN parseFloat parseInt undefined unescape ";
  Daemon daemon;
  Client client = daemon.connect();
  const json names = client.eval("Object.getOwnPropertyNames(globalThis)");
  for (const std::string name : names)
    expect(language.find(" " + name + " ") != std::string::npos ||
               text.find("`" + name + (name == "host" ? ".call" : "`")) != std::string::npos,
           name);
}

Test(script_world, what_is_documented_as_missing_is_missing) {
  Daemon daemon;
  Client client = daemon.connect();
  expect_equal(
      client.eval(
          "['BroadcastChannel', 'onerror', 'window', 'document', 'location', "
          "'require', 'Worker',"
          " 'WebSocket', 'XMLHttpRequest', 'localStorage', 'caches', 'process', 'Buffer', 'global']"
          ".filter((name) => name in globalThis)"),
      json::array());
  expect_equal(
      client.eval("const failing = (f) => { try { f(); return false; } catch { return true; } };"
                  "[failing(() => new CompressionStream('brotli')),"
                  " failing(() => structuredClone(new ReadableStream(), {transfer: []})),"
                  " failing(() => setTimeout('1')), 'createObjectURL' in URL,"
                  " 'compileStreaming' in WebAssembly]"),
      {true, true, true, false, false});
  for (const std::string algorithm : {"Ed448", "X448"})
    expect_equal(client.eval("crypto.subtle.generateKey('" + algorithm +
                             "', true, ['sign', 'deriveBits']).catch((e) => e.name)"),
                 "NotSupportedError");
}
