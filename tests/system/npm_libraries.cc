// SPDX-License-Identifier: Apache-2.0
// Popular libraries from npm, bundled unchanged by esbuild, each as a classic script and as a
// module that is registered and called. What they do is in tests/npm/scripts.
#include "tests/harness/daemon.h"

#include <criterion/criterion.h>

using namespace lethe::test;

TestSuite(npm_libraries, .timeout = 120);

namespace {

void expect_result(const std::string &library, const json &arguments, const json &wanted,
                   Where where = Where::here()) {
  Daemon daemon({"pool.default.workers=1", "pool.default.rewind_verify=1"});
  Client client = daemon.connect();
  for (const std::string form : {"scripts", "modules"}) {
    client.put(form, read_file(build_folder() / "npm" / form / (library + ".js")),
               {{"module", form == "modules"}}, where);
    // The second request finds the same as the first.
    for (int turn = 0; turn < 2; ++turn)
      expect_equal(client.call(form, "run", arguments, {{"deadline_ms", 20'000}}, where), wanted,
                   where);
  }
}

} // namespace

Test(npm_libraries, lodash) {
  expect_result("lodash", R"([[{"name": "Ada Lovelace", "role": "dev", "age": 36},
                               {"name": "Grace Hopper", "role": "dev", "age": 85},
                               {"name": "Edsger", "role": "admin", "age": 72}]])"_json,
                R"({"dev": ["grace-hopper", "ada-lovelace"], "admin": ["edsger"]})"_json);
}

Test(npm_libraries, ajv) {
  expect_result("ajv",
                R"([[{"name": "Ada", "age": 36}, {"name": "", "age": -1}, {"age": 1.5, "x": 1},
                            {"name": "a", "age": 1, "mail": "nobody"}]])"_json,
                R"([true,
                    ["/name must NOT have fewer than 1 characters", "/age must be >= 0"],
                    [" must have required property 'name'", " must NOT have additional properties",
                     "/age must be integer"],
                    ["/mail must match pattern \"^[^@]+@[^@]+$\""]])"_json);
}

Test(npm_libraries, zod) {
  expect_result("zod",
                R"([[{"name": "ada", "age": "36", "mail": "ada@example.org", "roles": ["dev"]},
                  {"name": "a", "age": -1, "mail": "x", "roles": ["y"]}, {"name": "grace", "age": 85}]])"_json,
                R"([{"name": "ADA", "age": 36, "mail": "ada@example.org", "roles": ["dev"]},
          ["name: too_small", "age: too_small", "mail: invalid_format", "roles.0: invalid_value"],
          {"name": "GRACE", "age": 85, "roles": []}])"_json);
}

Test(npm_libraries, dayjs) {
  expect_result("dayjs", {"2024-02-29T12:34:56Z"},
                {"Thursday, 29 February 2024 12:34:56", "2024-03-31", 8825, "a day", "3 days ago"});
}

Test(npm_libraries, luxon) {
  expect_result("luxon", {"2024-03-31T01:30:00Z"},
                {"2024-03-31T03:30:00.000+02:00", "2024-03-30 21:30 -04:00", "2024-04-30",
                 "Sonntag, 31. März 2024", 72, "PT2H30M"});
}

Test(npm_libraries, date_fns) {
  expect_result("date-fns", {"2024-02-29"},
                {"Thursday 29th of February 2024", "Donnerstag, 29. Februar 2024", "2024-03-07",
                 "2024-02-26", 59, "about 2 months"});
}

Test(npm_libraries, handlebars) {
  expect_result(
      "handlebars",
      R"([{"title": "list <1>", "items": [{"name": "a&b"}, {"name": "c"}], "raw": "<hr>"}])"_json,
      "<h1>LIST &lt;1&gt;</h1><ul><li>a&amp;b</li><li>c!</li></ul><hr>");
}

Test(npm_libraries, mustache) {
  expect_result("mustache", R"([{"title": "t", "raw": "<b>",
                                 "items": [{"name": "a<", "value": 1}, {"name": "b", "value": 2}]}])"_json,
                "t: a&lt;=1;b=2; <b> [t]");
}

Test(npm_libraries, marked) {
  expect_result(
      "marked", {"# Title\n\n* a\n* [b](http://x.y)\n\n| a | b |\n|---|---|\n| 1 | `2` |\n"},
      "<h1>Title</h1>\n<ul>\n<li>a</li>\n<li><a href=\"http://x.y\">b</a></li>\n</ul>\n<table>\n"
      "<thead>\n<tr>\n<th>a</th>\n<th>b</th>\n</tr>\n</thead>\n<tbody><tr>\n<td>1</td>\n"
      "<td><code>2</code></td>\n</tr>\n</tbody></table>\n");
}

Test(npm_libraries, markdown_it) {
  expect_result(
      "markdown-it",
      {"# Title\n\n\"quoted\" -- https://example.org and <b>x</b>\n\n1. one\n2. two\n"},
      "<h1>Title</h1>\n<p>“quoted” – <a href=\"https://example.org\">https://example.org</a> "
      "and &lt;b&gt;x&lt;/b&gt;</p>\n<ol>\n<li>one</li>\n<li>two</li>\n</ol>\n");
}

Test(npm_libraries, papaparse) {
  expect_result(
      "papaparse", {"a,b,c\n1,\"x, \"\"y\"\"\",true\n2.5,z,\n"},
      {{"data",
        {{{"a", 1}, {"b", "x, \"y\""}, {"c", true}}, {{"a", 2.5}, {"b", "z"}, {"c", nullptr}}}},
       {"errors", json::array()},
       {"fields", {"a", "b", "c"}},
       {"again", "a,b,c\r\n1,\"x, \"\"y\"\"\",true\r\n2.5,z,"}});
}

Test(npm_libraries, yaml) {
  expect_result(
      "yaml",
      {"# settings\nserver: &s\n  port: 80 # plain\n  hosts: [a, b]\nother: *s\ntext: |\n  two\n  "
       "lines\n"},
      {{"value",
        {{"server", {{"port", 80}, {"hosts", {"a", "b"}}}},
         {"other", {{"port", 80}, {"hosts", {"a", "b"}}}},
         {"text", "two\nlines\n"}}},
       {"changed", "# settings\nserver: &s\n  port: 8443 # plain\n  hosts: [ a, b ]\nother: *s\n"
                   "text: |\n  two\n  lines\n"},
       {"made", "list:\n  - 1\n  - a: \"x: y\"\ntext: |\n  two\n  lines\n"}});
}

Test(npm_libraries, jsonata) {
  expect_result("jsonata", R"([{"Account": {"Order": [
                    {"Product": [{"ProductName": "Hat", "Price": 34.5, "Quantity": 2},
                                 {"ProductName": "Cap", "Price": 10, "Quantity": 1}]},
                    {"Product": [{"ProductName": "Hat", "Price": 34.5, "Quantity": 4}]}]}}])"_json,
                R"([{"Hat": 207, "Cap": 10}, 2])"_json);
}

Test(npm_libraries, json_logic_js) {
  expect_result("json-logic-js", R"([
      [{"and": [{">": [{"var": "temp"}, 100]}, {"==": [{"var": "pie.filling"}, "apple"]}]},
       {"reduce": [{"var": "list"}, {"+": [{"var": "current"}, {"var": "accumulator"}]}, 0]},
       {"filter": [{"var": "list"}, {">=": [{"var": ""}, 2]}]},
       {"if": [{"starts": [{"var": "pie.filling"}, "app"]}, "yes", "no"]},
       {"missing": ["temp", "x"]}],
      {"temp": 110, "pie": {"filling": "apple"}, "list": [1, 2, 3]}])"_json,
                R"([true, 6, [2, 3], "yes", ["x"]])"_json);
}

Test(npm_libraries, immer) {
  expect_result("immer", R"([{"users": [{"name": "Ada"}], "other": {"a": 1}}])"_json,
                R"({"before": {"users": [{"name": "Ada"}], "other": {"a": 1}},
                    "next": {"users": [{"name": "Grace"}, {"name": "Edsger"}], "other": {"a": 1}},
                    "isFrozen": true, "isShared": true, "tags": ["a", "b"],
                    "patches": [{"op": "add", "path": ["tags", 1], "value": "b"}]})"_json);
}

Test(npm_libraries, uuid) {
  expect_result("uuid", {"www.example.com"},
                {{"named", "2ed6657d-e927-568b-95e1-2665a8aea6a2"},
                 {"valid", {true, true, false}},
                 {"versions", {4, 7}},
                 {"distinct", 200},
                 {"inOrder", true},
                 {"nil", "00000000-0000-0000-0000-000000000000"}});
}

Test(npm_libraries, nanoid) {
  expect_result("nanoid", {50}, {{"lengths", {21}}, {"distinct", 50}, {"digits", true}});
}

Test(npm_libraries, jose) {
  const json good = {"ada", "read", "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"};
  expect_result("jose", {"a secret of at least 32 bytes length"},
                {{"HS256", good},
                 {"ES256", good},
                 {"RS256", good},
                 {"PS256", good},
                 {"EdDSA", good},
                 {"decrypted", 42},
                 {"thumbprint", "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"}});
}

Test(npm_libraries, crypto_js) {
  expect_result("crypto-js", {"geheim 😀"},
                {{"sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
                 {"hmac", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
                 {"opened", "geheim 😀"},
                 {"withPassphrase", "geheim 😀"}});
}

Test(npm_libraries, rxjs) {
  expect_result("rxjs", R"([[1, 2, 3, 4, 5]])"_json,
                R"({"sums": [1, 4, 9], "parts": ["1+2", "3+4", "5"], "failed": "always after 3",
                    "ticks": [0, 1, 2], "last": 5})"_json);
}

// What was written for Node.js, by `lethe bundle`: tests/npm/bundled.
Test(npm_libraries, jsonwebtoken) {
  expect_result(
      "jsonwebtoken", {"ada"},
      R"({"HS256": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJhIjoxLCJzdWIiOiJhZGEifQ.ex5DoesphiWLai7bhwplcTcs4d9jr0i8snZedsYGjvM",
                    "RS256": ["ada", "invalid signature"], "PS384": ["ada", "invalid signature"],
                    "ES256": ["ada", "invalid signature"]})"_json);
}

Test(npm_libraries, pug) {
  expect_result("pug", R"([[{"name": "a<", "kind": "x"}, {"name": "b"}]])"_json,
                "<ul><li class=\"x\">a&lt;</li><li>b</li></ul><p><hr></p>");
}

Test(npm_libraries, xml2js) {
  expect_result(
      "xml2js", {"<a x=\"1\"><b>t</b><b/><c><![CDATA[<z>]]></c></a>"},
      R"([{"a": {"$": {"x": "1"}, "b": ["t", ""], "c": ["<z>"]}}, "<q k=\"v\">t&lt;</q>"])"_json);
}

Test(npm_libraries, avsc) {
  expect_result("avsc", R"([{"a": "hé", "n": 5, "e": "Y"}])"_json,
                R"([[6, 104, 195, 169, 2, 10, 2], {"a": "hé", "n": 5, "e": "Y"}, false])"_json);
}

Test(npm_libraries, winston) {
  expect_result("winston", {"hello %s"},
                R"([{"level": "info", "message": "hello Ada", "request": 7}])"_json);
}

Test(npm_libraries, fast_csv) {
  expect_result(
      "fast-csv", {"a,b\n1,\"x, \"\"y\"\"\"\n2,ü\n"},
      R"([[{"a": "1", "b": "x, \"y\""}, {"a": "2", "b": "ü"}], "a,b\n1,\"x, \"\"y\"\"\"\n2,ü"])"_json);
}

Test(npm_libraries, html_minifier_terser) {
  expect_result("html-minifier-terser",
                {"<p class=\"b\">x  <b> y </b></p> <!-- c --><style>a { color: red }</style>"
                 "<script>var a = 1 + 1;</script>"},
                "<p class=\"b\">x <b>y</b></p><style>a{color:red}</style><script>var a=2</script>");
}

Test(npm_libraries, nodemailer) {
  expect_result("nodemailer", {"hällo"},
                R"([{"from": "ada@a.example", "to": ["b@b.example"]},
                    ["From: Ada <ada@a.example>", "To: b@b.example", "Subject: =?UTF-8?Q?Gr=C3=BC=C3=9Fe?=",
                     "Message-ID: <1@a.example>", "Date: Thu, 01 Jan 1970 00:00:00 +0000",
                     "Content-Transfer-Encoding: quoted-printable", "MIME-Version: 1.0",
                     "Content-Type: text/plain; charset=utf-8", "", "h=C3=A4llo", ""]])"_json);
}

Test(npm_libraries, react_dom) {
  expect_result("react-dom", R"([["ada", "eve"]])"_json,
                {"<p>ada<b>order of ada</b></p>", "<p>eve<b>order of eve</b></p>"});
}

Test(npm_libraries, string_width) {
  expect_result(
      "string-width", R"([["日本a", "👨‍👩‍👧", "ÄB", "Ab"]])"_json,
      R"([[5, false, false], [2, true, false], [2, false, true], [2, false, false]])"_json);
}
