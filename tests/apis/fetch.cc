// SPDX-License-Identifier: Apache-2.0
// fetch: what the client is asked, and what becomes of its answer.
#include "tests/harness/daemon.h"

#include <criterion/criterion.h>

using namespace lethe::test;

TestSuite(fetch, .timeout = 120);

namespace {

// A client that answers fetch, and keeps what it was asked.
struct Network {
  Daemon daemon{"pool.default.workers=1"};
  Client client = daemon.connect();
  std::vector<json> asked;

  explicit Network(json answer) {
    client.on_host_call = [this, answer](uint32_t, const std::string &name, const json &arguments) {
      expect_equal(name, "fetch");
      expect_equal(arguments.size(), 1);
      asked.push_back(arguments[0]);
      if (answer.is_null())
        throw HostError{{{"message", "no route to host"}}};
      return answer;
    };
  }
};

json bytes(std::vector<uint8_t> content) { return json::binary(std::move(content)); }

} // namespace

Test(fetch, asks_the_client) {
  Network network(json{{"status", 204}});
  network.client.eval("fetch('HTTP://Example.com/ä#x', {method: 'post', headers: {'X-Y': 'z'}, "
                      "body: new Uint8Array([0, 255]), redirect: 'error'}).then(r => r.status)");
  expect_equal(network.asked.at(0), {{"url", "http://example.com/%C3%A4#x"},
                                     {"method", "POST"},
                                     {"headers", R"([["X-Y", "z"]])"_json},
                                     {"body", bytes({0, 255})},
                                     {"redirect", "error"}});
  network.client.eval("fetch(new Request('http://a/')).then(r => r.status)");
  expect_equal(network.asked.at(1), {{"url", "http://a/"},
                                     {"method", "GET"},
                                     {"headers", json::array()},
                                     {"body", nullptr},
                                     {"redirect", "follow"}});
  network.client.eval("fetch('http://a/', {method: 'PUT', body: new URLSearchParams('a=ö')})"
                      ".then(r => r.status)");
  expect_equal(network.asked.at(2)["headers"],
               R"([["content-type", "application/x-www-form-urlencoded;charset=UTF-8"]])"_json);
  expect_equal(network.asked.at(2)["body"], bytes({'a', '=', '%', 'C', '3', '%', 'B', '6'}));
}

Test(fetch, gives_what_the_client_answers) {
  Network network({{"status", 404},
                   {"statusText", "Gone fishing"},
                   {"headers", R"([["Set-Cookie", "a"], ["Set-Cookie", "b"], ["X", "y"]])"_json},
                   {"body", bytes({0xc3, 0xa4})},
                   {"url", "http://b/#part"}});
  expect_equal(network.client.eval(
                   "fetch('http://a/').then(async r => [r.status, r.ok, r.statusText, r.url, "
                   "r.redirected, r.headers.getSetCookie(), r.headers.get('x'), await r.text()])"),
               R"([404, false, "Gone fishing", "http://b/", true, ["a", "b"], "y", "ä"])"_json);
  expect_equal(network.client.eval("fetch('http://a/').then(async r => { let n = 0; "
                                   "for await (const c of r.body) n += c.length; return n })"),
               2);
}

Test(fetch, accepts_an_answer_in_short) {
  Network network({{"status", 200}, {"headers", R"({"a": "b"})"_json}, {"body", "text"}});
  expect_equal(network.client.eval("fetch('http://a/#f').then(async r => "
                                   "[[...r.headers], await r.text(), r.url, r.redirected])"),
               R"([[["a", "b"]], "text", "http://a/", false])"_json);
}

Test(fetch, fails_as_a_network_does) {
  Network network(nullptr);
  expect_equal(network.client.eval("fetch('http://a/').catch(e => [e.name, e.message, "
                                   "e.cause.message])"),
               R"(["TypeError", "fetch failed: no route to host", "no route to host"])"_json);
  for (const json &answer :
       {R"(5)"_json, R"({})"_json, R"({"status": 99})"_json, R"({"status": "200"})"_json}) {
    Network wrong(answer);
    expect_equal(wrong.client.eval("fetch('http://a/').catch(e => e.name)"), "TypeError");
  }
}

Test(fetch, is_aborted) {
  Network network(json{{"status", 200}});
  expect_equal(network.client.eval("const c = new AbortController(); "
                                   "const p = fetch('http://a/', {signal: c.signal}); "
                                   "c.abort('why'); p.catch(e => e)"),
               "why");
  expect_equal(network.client.eval("fetch('http://a/', {signal: AbortSignal.abort(1)})"
                                   ".catch(e => e)"),
               1);
}

Test(fetch, several_at_once) {
  Network network({{"status", 200}, {"body", "x"}});
  expect_equal(
      network.client.eval("Promise.all(['1', '2', '3'].map(p => fetch('http://a/' + p)))"
                          ".then(rs => Promise.all(rs.map(async r => r.url + await r.text())))"),
      {"http://a/1x", "http://a/2x", "http://a/3x"});
  expect_equal(network.asked.size(), 3);
}

Test(fetch, fails_if_the_answer_has_a_wrong_shape) {
  const std::string ask = "fetch('http://a/').then((r) => r.text(), (e) => e.name + ': ' + "
                          "e.message)";
  for (const json &part : std::vector<json>{{{"body", {{"a", 1}}}},
                                            {{"body", 5}},
                                            {{"body", true}},
                                            {{"body", {1, 2}}},
                                            {{"headers", "x: y"}},
                                            {{"headers", 5}},
                                            {{"headers", nullptr}},
                                            {{"headers", json::array({json::array({"a"})})}},
                                            {{"headers", json::array({json::array({"a", 1})})}},
                                            {{"headers", {{"a", nullptr}}}},
                                            {{"headers", {{"a", {"b"}}}}},
                                            {{"statusText", 5}},
                                            {{"url", 5}},
                                            {{"redirected", "yes"}},
                                            {{"status", 99}},
                                            {{"status", "200"}}}) {
    json answer = {{"status", 200}};
    answer.update(part);
    Network network(answer);
    expect_contains(network.client.eval(ask), "TypeError: fetch failed: the client's answer has ");
  }
  Network network(
      {{"status", 200}, {"headers", {{"a", "b"}}}, {"body", "text"}, {"url", "http://b/"}});
  expect_equal(
      network.client.eval("fetch('http://a/').then(async (r) => [r.headers.get('a'), await "
                          "r.text(), r.url, r.redirected])"),
      {"b", "text", "http://b/", true});
}

Test(fetch, looks_whether_the_body_is_the_one_that_was_asked_for) {
  Network network({{"status", 200}, {"body", "abc"}});
  // openssl dgst -sha256 -binary | base64, and so on
  const std::string right = "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";
  const std::string wrong = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
  const std::string strong =
      "sha384-ywB1P0WjXou1oD1pmsZQBycsMqsO3tFjGotgWkP/W+2AhgcroefMI1i67KE0yCWn";
  const auto answer = [&](const std::string &integrity) {
    return network.client.eval("fetch('http://a/', {integrity: '" + integrity +
                               "'}).then((r) => r.text(), (e) => e.name)");
  };
  for (const std::string &good :
       {right, wrong + " " + right, right + "?option", strong + " " + wrong, std::string(),
        std::string("md5-AAAA"),
        std::string("sha256-ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0=")})
    expect_equal(answer(good), "abc");
  // The strongest of those that are given counts.
  const std::string weak = "sha512-AAAA";
  for (const std::string &bad :
       {wrong, wrong + " " + wrong, right + " " + weak, strong + " " + weak})
    expect_equal(answer(bad), "TypeError");
}

// https://fetch.spec.whatwg.org/#abort-fetch: what was not read of the body by then fails, for its clones as well.
Test(fetch, an_abort_after_the_answer_ends_its_body) {
  Network network({{"status", 200}, {"body", bytes({'a', 'b'})}});
  expect_equal(network.client.eval(R"js((async () => {
    const failed = (promise) => promise.then((value) => value, (error) => error.name ?? error);
    const answered = async (reason) => {
      const controller = new AbortController();
      const response = await fetch('http://a/', { signal: controller.signal });
      return [response, () => controller.abort(reason)];
    };
    const results = [];
    for (const read of [(r) => r.text(), (r) => r.arrayBuffer(), (r) => r.body.getReader().read(), (r) => r.clone().json(), (r) => r.body.pipeTo(new WritableStream())]) {
      const [response, abort] = await answered();
      abort();
      results.push(await failed(read(response)));
    }
    const [opened, close] = await answered('enough');
    const [reader, copy] = [opened.clone().body.getReader(), opened.clone()];
    close();
    results.push(await failed(reader.read()), await failed(reader.closed), await failed(copy.text()), await failed(opened.text()), opened.bodyUsed);
    const [whole, late] = await answered();
    const text = await whole.text();
    late();
    return [...results, text, whole.status];
  })())js"),
               {"AbortError", "AbortError", "AbortError", "AbortError", "AbortError", "enough",
                "enough", "enough", "enough", true, "ab", 200});
}

Test(fetch, an_abort_after_the_answer_leaves_an_empty_body) {
  Network network({{"status", 200}, {"body", ""}});
  expect_equal(network.client.eval("const c = new AbortController();"
                                   "fetch('http://a/', { signal: c.signal }).then(r => { "
                                   "c.abort(); return r.text(); })"),
               "");
}
