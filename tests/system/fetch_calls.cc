// SPDX-License-Identifier: Apache-2.0
// Calls with the option fetch: Workers-like modules get a Request and give a Response.
#include "tests/harness/daemon.h"

#include <array>
#include <criterion/criterion.h>

using namespace lethe::test;

TestSuite(fetch_calls, .timeout = 60);

namespace {

const json as_module = {{"module", true}};
const json as_fetch = {{"fetch", true}};

json ask(Client &client, const json &request, const json &env = nullptr,
         Where where = Where::here()) {
  return client.call("site", "default.fetch", json::array({request, env}), as_fetch, where);
}

// Of headers.
json pairs(const std::vector<std::array<std::string, 2>> &headers) { return headers; }

json bytes(const std::string &text) { return json::binary({text.begin(), text.end()}); }

constexpr const char *echo = R"js(
  export default {
    name: 'echo',
    async fetch(request, env, ctx) {
      const seen = [this.name, request instanceof Request, request.method, request.url, [...request.headers], env,
                    Object.keys(ctx), request.body === null ? null : await request.text()];
      return Response.json(seen, { status: 201, statusText: 'Made', headers: { 'X-One': '1' } });
    },
  };
)js";

} // namespace

Test(fetch_calls, a_request_arrives_and_a_response_comes_back_under_all_isolations) {
  for (const std::string isolation : {"rewind", "process", "reuse"}) {
    Daemon daemon({"pool.default.isolation=" + isolation, "pool.default.rewind_verify=1"});
    Client client = daemon.connect();
    client.put("site", echo, as_module);
    const json request = {{"url", "https://example.com/a?b=c#d"},
                          {"method", "PUT"},
                          {"headers", pairs({{"X-A", "1"}, {"x-a", "2"}, {"Accept", "*/*"}})},
                          {"body", "text"}};
    for (int i = 0; i < 2; ++i) {
      const json answer = ask(client, request, {{"KEY", "value"}, {"n", {1, 2}}});
      expect_members(answer,
                     {{"status", 201},
                      {"statusText", "Made"},
                      {"headers", pairs({{"x-one", "1"}, {"content-type", "application/json"}})}});
      const auto &body = answer["body"].get_binary();
      expect_equal(
          json::parse(body.begin(), body.end()),
          R"(["echo", true, "PUT", "https://example.com/a?b=c#d", [["accept", "*/*"], ["x-a", "1, 2"]],
                       {"KEY": "value", "n": [1, 2]}, ["waitUntil", "passThroughOnException"], "text"])"_json);
    }
  }
}

Test(fetch_calls, bodies_are_bytes_or_text_and_streams_are_read_to_their_end) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("site", R"js(
    const streamed = (...chunks) => new ReadableStream({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        if (chunks.length) controller.enqueue(new TextEncoder().encode(chunks.shift()));
        else controller.close();
      },
    });
    export default {
      async fetch(request) {
        switch (new URL(request.url).pathname) {
          case '/back': return new Response(request.body);
          case '/stream': return new Response(streamed('a', 'é', 'c'));
          case '/text': return new Response('é');
          case '/bytes': return new Response(new Uint8Array([0, 255]));
          case '/empty': return new Response('');
          case '/none': return new Response(null, { status: 204 });
          case '/cookies': return new Response(null, { headers: [['Set-Cookie', 'a=1'], ['Set-Cookie', 'b=2']] });
          case '/redirect': return Response.redirect('https://other.example/', 307);
          case '/type': return new Response(`${request.headers.get('content-type')} ${await request.text()}`);
        }
      },
    };
  )js",
             as_module);
  const auto get = [&](const std::string &path) {
    return ask(client, {{"url", "http://h" + path}});
  };
  expect_equal(get("/stream")["body"], bytes("aéc"));
  expect_members(
      get("/text"),
      {{"body", bytes("é")}, {"headers", pairs({{"content-type", "text/plain;charset=UTF-8"}})}});
  expect_equal(get("/bytes")["body"], bytes(std::string("\0\xff", 2)));
  expect_equal(get("/empty")["body"], bytes(""));
  expect_members(
      get("/none"),
      {{"body", nullptr}, {"status", 204}, {"statusText", ""}, {"headers", json::array()}});
  expect_equal(get("/cookies")["headers"], pairs({{"set-cookie", "a=1"}, {"set-cookie", "b=2"}}));
  expect_members(get("/redirect"),
                 {{"status", 307}, {"headers", pairs({{"location", "https://other.example/"}})}});
  const std::string all("\0\xff\r\n", 4);
  expect_equal(
      ask(client, {{"url", "http://h/back"}, {"method", "POST"}, {"body", bytes(all)}})["body"],
      bytes(all));
  // No header is made up; a map of them will do; a GET may say that its body is empty.
  expect_equal(ask(client, {{"url", "http://h/type"}, {"method", "POST"}, {"body", "x"}})["body"],
               bytes("null x"));
  expect_equal(ask(client, {{"url", "http://h/type"},
                            {"body", bytes("")},
                            {"headers", {{"Content-Type", "a/b"}}}})["body"],
               bytes("a/b "));
}

// Its answer is one to fetch().
Test(fetch_calls, a_script_can_fetch_from_another_one_by_way_of_the_client) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("site", echo, as_module);
  Client other = daemon.connect();
  client.on_host_call = [&](uint32_t, const std::string &, const json &arguments) {
    return ask(other, arguments[0]);
  };
  expect_equal(client.eval("fetch('http://h/', { method: 'POST', body: 'b' }).then((r) => "
                           "r.json()).then((seen) => seen[7])"),
               "b");
}

Test(fetch_calls, what_wait_until_holds_is_done_before_the_answer) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("site", R"js(
    const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    export default {
      async fetch(request, env, { waitUntil, passThroughOnException }) {
        passThroughOnException();
        waitUntil(sleep(20).then(() => { waitUntil(host.call('later')); return host.call('done'); }));
        waitUntil(Promise.reject(new Error('forgotten')));
        waitUntil('no promise');
        if (env.forever) waitUntil(new Promise(() => setTimeout(() => {}, 1e6)));
        return new Response('here');
      },
    };
  )js",
             as_module);
  std::vector<std::string> asked;
  client.on_host_call = [&](uint32_t, const std::string &name, const json &) {
    asked.push_back(name);
    return nullptr;
  };
  const json request = {{"url", "http://h/"}};
  expect_equal(client.call("site", "default.fetch", json::array({request}),
                           {{"fetch", true}, {"console", true}})["body"],
               bytes("here"));
  expect_equal(asked, R"(["later", "done"])"_json);
  bool is_told = false;
  for (const auto &notification : client.notifications)
    is_told |=
        notification.method == "console" && notification.params[1] == "error" &&
        notification.params[2].get<std::string>().find("Error: forgotten") != std::string::npos;
  expect(is_told, "what was rejected is written to the console");
  expect_members(client.error("call", {"site",
                                       "default.fetch",
                                       json::array({request, {{"forever", true}}}),
                                       {{"fetch", true}, {"deadline_ms", 100}}}),
                 {{"code", "deadline_exceeded"}});
}

Test(fetch_calls, what_is_no_response_is_told) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("site", R"js(
    export default {
      async fetch(request) {
        switch (new URL(request.url).pathname) {
          case '/throws': throw new RangeError('thrown');
          case '/error': return Response.error();
          case '/read': { const response = new Response('x'); await response.text(); return response; }
          case '/breaks': return new Response(new ReadableStream({ pull() { throw new RangeError('in the stream'); } }));
          case '/text': return 'text';
        }
      },
    };
  )js",
             as_module);
  const auto refused = [&](const std::string &path) {
    return client.error(
        "call", {"site", "default.fetch", json::array({{{"url", "http://h" + path}}}), as_fetch});
  };
  expect_members(refused("/throws"),
                 {{"code", "script_error"}, {"name", "RangeError"}, {"message", "thrown"}});
  expect_contains(refused("/breaks")["message"], "in the stream");
  for (const auto &[path, said] : {std::pair("/none", "no Response"),
                                   {"/text", "no Response"},
                                   {"/error", "network error"},
                                   {"/read", "read already"}}) {
    const json error = refused(path);
    expect_members(error, {{"code", "script_error"}, {"name", "TypeError"}});
    expect_contains(error["message"], said);
  }
}

Test(fetch_calls, what_is_no_request_is_an_invalid_value) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("site", echo, as_module);
  const json wrong = R"([
    [[], "$[0]"], [["http://h/"], "$[0]"], [[[]], "$[0]"], [[{"method": "GET"}], "$[0]"], [[{"url": "/relative"}], "$[0]"],
    [[{"url": "http://h/", "method": "CONNECT"}], "$[0]"], [[{"url": "http://h/", "method": "a b"}], "$[0]"],
    [[{"url": "http://h/", "headers": ["a"]}], "$[0]"], [[{"url": "http://h/", "headers": {"a b": "c"}}], "$[0]"],
    [[{"url": "http://h/", "body": 7}], "$[0]"], [[{"url": "http://h/", "body": "of a GET"}], "$[0]"],
    [[{"url": "http://h/"}, [1]], "$[1]"], [[{"url": "http://h/"}, null, 1], "$[2]"]
  ])"_json;
  for (const json &each : wrong) {
    const json error = client.error("call", {"site", "default.fetch", each[0], as_fetch});
    expect_members(error, {{"code", "invalid_value"}, {"path", each[1]}});
  }
}

Test(fetch_calls, any_function_may_be_asked_and_other_calls_stay_as_they_are) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("plain", "function handle(request) { return new Response(request.method); }");
  client.put("commonjs", "module.exports = { fetch: (request, env) => new Response(env.a) };",
             {{"commonjs", true}});
  client.put("interop",
             "Object.defineProperty(exports, '__esModule', { value: true }); exports.default = { "
             "fetch: () => new Response('i') };",
             {{"commonjs", true}});
  const json request = {{"url", "http://h/"}, {"method", "DELETE"}};
  expect_equal(client.call("plain", "handle", json::array({request}), as_fetch)["body"],
               bytes("DELETE"));
  expect_equal(client.call("commonjs", "default.fetch", json::array({request, {{"a", "b"}}}),
                           as_fetch)["body"],
               bytes("b"));
  expect_equal(client.call("interop", "default.fetch", json::array({request}), as_fetch)["body"],
               bytes("i"));
  client.put("map", "export default { fetch: (request) => request.method };", as_module);
  expect_equal(client.call("map", "default.fetch", json::array({request})), "DELETE");
  expect_equal(client.result("profile", {"plain",
                                         "handle",
                                         json::array({request}),
                                         {{"fetch", true}, {"for_ms", 20}}})["stopped"],
               false);
  const json error = client.error("chain", {R"([["plain", "handle"]])"_json, request, as_fetch});
  expect_members(error, {{"code", "invalid_request"}});
  expect_contains(error["message"], "fetch");
}

Test(fetch_calls, are_warmed_up) {
  Daemon daemon;
  Client client = daemon.connect();
  const json calls = R"([["default.fetch", [{"url": "http://h/"}], {"fetch": true}]])"_json;
  const json put =
      client.put("site",
                 "export default { fetch: async (request) => new Response(await request.text() + "
                 "request.url) };",
                 {{"module", true}, {"warm_up", calls}, {"warm_up_must_be_pure", true}});
  expect_members(put["warm_up"], {{"steady", true}, {"pure", true}});
  expect_equal(ask(client, {{"url", "http://h/"}})["body"], bytes("http://h/"));
  expect_equal(client.result("script.list", json::array())[0]["compiled"], 0);
  const json error = client.error(
      "script.put",
      {"bad", "export default { fetch: () => 1 };", {{"module", true}, {"warm_up", calls}}});
  expect_contains(error["message"], "no Response");
  for (const json &warm_up :
       R"([[["f", [], true]], [["f", [], {"fetsch": true}]], [["f", [], {"fetch": "yes"}]],
                                 [["f", [], {}, 1]], [["f"]]])"_json)
    expect_members(client.error("script.put", {"bad", "", {{"warm_up", warm_up}}}),
                   {{"code", "invalid_request"}});
  client.put("plain", "function f() {}",
             {{"warm_up", R"([["f", []], ["f", [], null], ["f", [], {}]])"_json}});
}

// The prelude's part of it is its own, whatever a script has done to the language and to the classes.
Test(fetch_calls, do_not_count_on_what_a_script_has_replaced) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("site", R"js(
    const { Response } = globalThis, own = new Response('own');
    const { ownKeys } = Reflect, { prototype: lists } = Array;
    const objects = [Object.prototype, String.prototype, Promise.prototype, Promise, Request.prototype, Response.prototype, Headers.prototype, lists];
    for (let i = 0; i < objects.length; ++i) {
      const keys = ownKeys(objects[i]);
      for (let k = 0; k < keys.length; ++k)
        try { objects[i][keys[k]] = () => { throw new Error('replaced'); }; } catch {}
    }
    globalThis.Request = globalThis.Response = globalThis.Headers = undefined;
    export default { fetch: () => own };
  )js",
             as_module);
  expect_members(ask(client, {{"url", "http://h/"}, {"headers", {{"a", "b"}}}}),
                 {{"status", 200}, {"body", bytes("own")}});
}
