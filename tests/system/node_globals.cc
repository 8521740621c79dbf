// SPDX-License-Identifier: Apache-2.0
// Buffer and process of scripts with node_globals: true.
#include "tests/harness/daemon.h"

#include <criterion/criterion.h>

using namespace lethe::test;

TestSuite(node_globals, .timeout = 60);

namespace {

json run(const std::string &body, Where where = Where::here()) {
  Daemon daemon({"pool.default.workers=1", "pool.default.rewind_verify=1"});
  Client client = daemon.connect();
  client.put("s", "async function f() { " + body + " }", {{"node_globals", true}}, where);
  json first = client.call("s", "f", json::array(), json::object(), where);
  expect_equal(client.call("s", "f", json::array(), json::object(), where), first, where);
  return first;
}

} // namespace

Test(node_globals, buffers_are_made_read_and_written_as_in_node) {
  expect_equal(run(R"js(
    const b = Buffer.from('Zürich 😀');
    const list = Buffer.concat([Buffer.alloc(2, 7), Buffer.from([1, 2]), Buffer.from('ff00', 'hex')]);
    list.writeUInt16BE(0xabcd, 0);
    return [b.length, b.toString(), b.toString('base64'), Buffer.from('WsO8', 'base64').toString('utf8'),
            b.subarray(0, 1) instanceof Buffer, Buffer.isBuffer(b), Buffer.isBuffer(new Uint8Array(1)), b instanceof Uint8Array,
            list.toString('hex'), list.readInt32LE(2), Buffer.byteLength('é'), Buffer.compare(b, list),
            b.equals(Buffer.from(b)), list.indexOf(0xff), Buffer.from('é', 'latin1').toString('hex'),
            JSON.stringify(Buffer.from('a')), b.toString('utf16le', 0, 2), b.slice(-4).toString()];
  )js"),
               {12, "Zürich 😀", "WsO8cmljaCDwn5iA", "Zü", true, true, false, true, "abcd0102ff00",
                0x00ff0201, 2, -1, true, 4, "e9", R"({"type":"Buffer","data":[97]})", "썚", "😀"});
}

// Its methods, encodings and errors, some thousand calls, beside a real one.
Test(node_globals, buffers_do_what_those_of_node_do) {
  const std::string cases = read_file(source_folder() / "tests" / "system" / "buffer" / "cases.js");
  const Finished node = run({{"sh", "-c", "node --no-deprecation -"},
                             {},
                             cases + "if (process.version.startsWith('v20.')) "
                                     "process.stdout.write(JSON.stringify(bufferCases()));"});
  if (node.output.empty())
    cr_skip_test("there is no Node.js 20 to compare with");
  Daemon daemon({"pool.default.workers=1"});
  Client client = daemon.connect();
  client.put("s", cases, {{"node_globals", true}});
  const json expected = json::parse(node.output),
             seen = client.call("s", "bufferCases", json::array(), {{"deadline_ms", 60000}});
  expect_equal(seen.size(), expected.size());
  for (size_t i = 0; i < seen.size(); ++i)
    expect_equal(seen[i], expected[i]);
}

Test(node_globals, a_buffer_arrives_as_bytes_and_is_shown_as_in_node) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("s",
             "function f() { console.log(Buffer.from('abc')); return [Buffer.from('abc'), { b: "
             "Buffer.alloc(1) }]; }",
             {{"node_globals", true}});
  const json result = client.call("s", "f", json::array(), {{"console", true}});
  expect_equal(result, json::array({json::binary({'a', 'b', 'c'}), {{"b", json::binary({0})}}}));
  expect_equal(client.notifications.size(), 1u);
  expect_equal(client.notifications[0].params[2], "<Buffer 61 62 63>");
}

Test(node_globals, process_tells_what_libraries_ask_for) {
  expect_equal(run(R"js(
    const order = [];
    process.nextTick((...args) => order.push(...args), 1, 2);
    order.push(0);
    await null;
    const before = process.hrtime();
    const passed = process.hrtime(before);
    process.env.HOME = '/home';
    return [/^v\d+\.\d+\.\d+$/.test(process.version), Object.keys(process.versions), typeof process.versions.v8,
            process.platform, ['x64', 'arm64'].includes(process.arch), process.env.NODE_ENV, process.env.PATH, process.env.HOME,
            Object.prototype.toString.call(process), process.cwd(), order, passed[0] === 0 && passed[1] >= 0,
            typeof process.hrtime.bigint(), process.uptime() >= 0, process.on('exit', () => {}) === process, global === globalThis];
  )js"),
               {true,
                json::array({"v8"}),
                "string",
                "linux",
                true,
                "production",
                nullptr,
                "/home",
                "[object Object]",
                "/",
                {0, 1, 2},
                true,
                "bigint",
                true,
                true,
                true});
  Daemon daemon;
  Client client = daemon.connect();
  client.put("s", "function f() { process.exit(3); }", {{"node_globals", true}});
  expect_contains(client.error("call", {"s", "f", json::array()})["message"], "process.exit(3)");
}

Test(node_globals, libraries_take_their_way_for_browsers) {
  // How emscripten, core-js, wasm-bindgen, node-forge and TypeScript ask whether there is a `require`.
  expect_equal(run(R"js(
    return [typeof process === 'object' && !!process.versions?.node, Object.prototype.toString.call(process) === '[object process]',
            process.release?.name === 'node', typeof process.versions.node === 'string', typeof require];
  )js"),
               {false, false, false, false, "undefined"});
}
