// SPDX-License-Identifier: Apache-2.0
// client/PROTOCOL.md, the command `lethe`: one test for each subcommand, option, kind of output and
// exit status.
#include "tests/harness/command.h"

#include <criterion/criterion.h>
#include <csignal>

using namespace lethe::test;

TestSuite(command, .timeout = 60);

namespace {

class Shell {
public:
  explicit Shell(std::initializer_list<std::string> settings = {}) : daemon_(settings) {}

  Finished lethe(const std::vector<std::string> &words, const std::string &input = {}) {
    return run(lethe_command(daemon_, words, input));
  }
  // Its output as JSON; it must succeed.
  json output(const std::vector<std::string> &words, const std::string &input = {},
              Where where = Where::here()) {
    const Finished finished = lethe(words, input);
    expect(finished.status == 0,
           "status " + std::to_string(finished.status) + ": " + finished.errors, where);
    return json::parse(finished.output, nullptr, false);
  }
  // What it says on standard error when it ends with this status.
  std::string errors(int status, const std::vector<std::string> &words,
                     Where where = Where::here()) {
    const Finished finished = lethe(words);
    expect(finished.status == status,
           "status " + std::to_string(finished.status) + ": " + finished.errors, where);
    return finished.errors;
  }
  Daemon &daemon() { return daemon_; }

private:
  Daemon daemon_;
};

constexpr const char *greeting = "function greet(name, times = 1) {\n"
                                 "  return ('Hello ' + name + '! ').repeat(times).trim();\n"
                                 "}\n"
                                 "function twice(x) { return 2 * x; }\n"
                                 "function fail() {\n"
                                 "  throw new Error('on purpose');\n"
                                 "}\n";

} // namespace

Test(command, eval) {
  Shell shell;
  expect_equal(shell.output({"eval", "6 * 7"}), 42);
  expect_equal(shell.output({"eval", "({a: [1, null, 'x']})"}), {{"a", {1, nullptr, "x"}}});
  expect_equal(shell.output({"eval", "-"}, "1 + 1"), 2);
}

Test(command, eval_global) {
  Shell shell;
  expect_equal(shell.output({"eval", "context.n + other", "--global", R"(context={"n": 1})",
                             "--global", "other=2"}),
               3);
}

Test(command, script_put) {
  Shell shell;
  const std::string file = shell.daemon().folder().file("hello.js", greeting);
  shell.output({"script", "put", "acme/hello", file});
  expect_equal(shell.output({"call", "acme/hello", "greet", R"("Ada")"}), "Hello Ada!");
  expect_contains(shell.errors(1, {"script", "put", "broken",
                                   shell.daemon().folder().file("broken.js", "var 1x;")}),
                  "^");
}

Test(command, script_put_module) {
  Shell shell;
  const std::string file =
      shell.daemon().folder().file("m.js", "export function f(x) { return [x]; }");
  shell.output({"script", "put", "m", file, "--module"});
  expect_equal(shell.output({"call", "m", "f", "5"}), {5});
}

Test(command, script_put_commonjs) {
  Shell shell;
  const auto put = [&](const std::string &name, const std::string &source,
                       std::vector<std::string> options = {}) {
    options.insert(options.begin(),
                   {"script", "put", "c", shell.daemon().folder().file(name, source)});
    const Finished finished = shell.lethe(options);
    expect(finished.status == 0, finished.errors);
    const json all = shell.output({"script", "get", "c", "--json"});
    const bool is_commonjs = all["options"].value("commonjs", false);
    const bool is_said = finished.errors.find("looks like CommonJS") != std::string::npos;
    return std::pair(is_commonjs, is_said);
  };
  const std::pair guessed{true, true}, given{true, false}, neither{false, false};
  for (const char *source :
       {"exports.f = () => 1;", "module.exports = {};", "const f = 1;module.exports=f;",
        "'use strict';\nmodule.exports.f = 1;\n"})
    expect(put("a.js", source) == guessed, source);
  for (const char *source :
       {"function f() {}", "const exports_ = 1, myexports = {};\nmyexports.f = 1;",
        "function f() {}\nif (typeof module !== 'undefined') module.exports = f;",
        "if (typeof exports === 'object') {\n  exports.f = 1;\n}",
        "!function(e,t){'object'==typeof exports?module.exports=t():e.x=t()}(this,()=>1)",
        "var x = ((module) => {\n  module.exports = 1;\n})({});"})
    expect(put("a.js", source) == neither, source);
  expect(put("a.cjs", "exports.f = 1;") == given, "by the ending");
  expect(put("a.js", "this.f = 1;", {"--commonjs"}) == given, "--commonjs");
  expect(put("a.js", "var exports = {};\nexports.f = 1;", {"--no-commonjs"}) == neither,
         "--no-commonjs");
  expect(put("a.js", "var exports = {};\nexports.f = 1;", {"--module"}) == neither, "--module");
  expect_contains(shell.errors(2, {"script", "put", "c", "-", "--commonjs", "--no-commonjs"}),
                  "commonjs");
}

Test(command, script_put_folder_guesses_commonjs) {
  Shell shell;
  std::filesystem::create_directory(shell.daemon().folder().path() / "app");
  shell.daemon().folder().file("app/common.js", "exports.f = () => 'common';");
  shell.daemon().folder().file("app/plain.js", "function f() { return 'plain'; }");
  const std::string folder = shell.daemon().folder().path() / "app";
  const Finished finished = shell.lethe({"script", "put", folder});
  expect_contains(finished.errors, "app/common.js looks like CommonJS");
  expect(finished.errors.find("plain.js") == std::string::npos, finished.errors);
  expect_equal(shell.output({"call", "common", "f"}), "common");
  expect_equal(shell.output({"call", "plain", "f"}), "plain");
}

Test(command, call_fetch) {
  Shell shell;
  const std::string source = R"js(export default {
    fetch: async (request, env) => new Response(`${request.method} ${request.url} ${request.headers.get('a')} ${env.k} ${await request.text()}`,
      { status: 404, statusText: 'Not here', headers: [['x-b', 'c']] }),
    none: () => new Response(null, { status: 204 }),
    bytes: () => new Response(new Uint8Array([0, 255, 10])),
    fail: () => { throw new Error('on purpose'); },
  };)js";
  shell.output(
      {"script", "put", "site", shell.daemon().folder().file("site.mjs", source), "--module"});
  const auto printed = [&](std::vector<std::string> options, const std::string &input = {}) {
    options.insert(options.begin(), {"call", "site", "--fetch", "http://h/x"});
    const Finished finished = shell.lethe(options, input);
    expect(finished.status == 0, finished.errors);
    return finished.output;
  };
  expect_equal(printed({}), "GET http://h/x null undefined ");
  expect_equal(
      printed({"--header", "A: 1", "--header", "a:2", "--env", R"({"k": 3})", "--body", "text"}),
      "POST http://h/x 1, 2 3 text");
  expect_equal(printed({"--body", "@-", "--method", "PUT"}, "from there"),
               "PUT http://h/x null undefined from there");
  expect_equal(printed({"-i"}),
               "HTTP/1.1 404 Not here\r\nx-b: c\r\ncontent-type: text/plain;charset=UTF-8\r\n\r\n"
               "GET http://h/x null undefined ");
  expect_equal(printed({"default.none", "--include"}), "HTTP/1.1 204 \r\n\r\n");
  expect(printed({"default.bytes"}) == std::string("\0\xff\n", 3), "bytes are not as they were");
  expect_members(json::parse(printed({"--json"})), {{"status", 404}, {"statusText", "Not here"}});
  expect_contains(shell.errors(1, {"call", "site", "default.fail", "--fetch", "http://h/"}),
                  "on purpose");
  expect_contains(shell.errors(5, {"call", "site", "--fetch", "/relative"}), "absolute");
  expect_contains(shell.errors(2, {"call", "site", "--fetch", "http://h/", "--header", "no colon"}),
                  "NAME: VALUE");
  expect_contains(shell.errors(2, {"call", "site", "default.fetch", "{}", "--fetch", "http://h/"}),
                  "--fetch");
  shell.errors(2, {"call", "site", "default.fetch", "--body", "x"});
  shell.errors(2, {"call", "site"});
}

Test(command, call_by_path) {
  Shell shell;
  const std::string file = shell.daemon().folder().file(
      "api.js", "const api = { users: { get(id) { return [id, this === api.users]; } } };");
  shell.output({"script", "put", "api", file, "--warm-up", "api.users.get 1"});
  expect_equal(shell.output({"call", "api", "api.users.get", "7"}), {7, true});
  expect_equal(shell.output({"chain", "api:api.users.get", "--input", "7"}), {7, true});
  expect_equal(shell.output({"run", file, "api.users.get", "7"}), {7, true});
}

Test(command, script_put_warm_up) {
  Shell shell;
  const std::string file = shell.daemon().folder().file(
      "w.js", "var warm = []; function f(x) { warm[x] = x; return warm; }");
  const std::string said =
      shell.lethe({"script", "put", "w", file, "--warm-up", "f 0", "--warm-up", "f 2"}).output;
  expect_contains(said, "version 1");
  expect_contains(said, "warm-up: steady after ");
  expect_equal(shell.output({"call", "w", "f", "1"}), {0, 1, 2});
}

Test(command, script_put_warm_up_must_be_pure) {
  Shell shell;
  const std::string file =
      shell.daemon().folder().file("w.js", "let visits = 0; function f() { return ++visits; }");
  expect_contains(shell.lethe({"script", "put", "w", file, "--warm-up", "f"}).output,
                  "warm-up: requests find what it has changed: visits\n");
  const auto refused =
      shell.lethe({"script", "put", "w", file, "--warm-up", "f", "--warm-up-must-be-pure"});
  expect_equal(refused.status, 5);
  expect_contains(refused.errors, "visits");
}

Test(command, script_put_of_a_folder) {
  Shell shell;
  const ScratchFolder &folder = shell.daemon().folder();
  std::filesystem::create_directories(folder.path() / "scripts" / "acme");
  folder.file("scripts/acme/hello.js", greeting);
  folder.file("scripts/lib.mjs", "export const two = () => 2;");
  folder.file("scripts/notes.txt", "no script");
  folder.file("scripts/.#lib.mjs", "of an editor");
  std::filesystem::create_directories(folder.path() / "scripts" / ".git");
  folder.file("scripts/.git/hook.js", "of a tool");
  const std::string path = (folder.path() / "scripts").string();
  expect_contains(shell.lethe({"script", "put", path}).output, "2 scripts: in generation ");
  expect_equal(shell.output({"call", "lib", "two"}), 2);
  expect_contains(shell.lethe({"script", "list", "acme"}).output, "acme/hello");
  expect_equal(shell.output({"script", "list", "acme", "--json"}).size(), 1);
  expect_equal(shell.output({"script", "list", "--failing", "--json"}), json::array());
  const auto nothing = shell.lethe({"script", "put", path + "/none"});
  expect_equal(nothing.status, 2);
  expect_contains(nothing.errors, "none");
}

Test(command, script_list) {
  Shell shell;
  shell.daemon().connect().put("acme/hello", greeting);
  expect_contains(shell.lethe({"script", "list"}).output, "acme/hello");
  expect_equal(shell.output({"script", "list", "--json"})[0]["name"], "acme/hello");
}

Test(command, script_get) {
  Shell shell;
  shell.daemon().connect().put("acme/hello", greeting);
  expect_contains(shell.lethe({"script", "get", "acme/hello"}).output, "function greet");
  expect_equal(shell.output({"script", "get", "acme/hello", "--json"})["source"], greeting);
}

Test(command, script_release) {
  Shell shell({"pool.default.workers=1", "quarantine_faults=1"});
  Client client = shell.daemon().connect();
  client.put("s", "async function f(end) { if (end) { await host.call('end me'); while (1); } }");
  client.on_host_call = [&](uint32_t, const std::string &, const json &) {
    for (const pid_t pid : shell.daemon().workers())
      ::kill(pid, SIGSEGV);
    return nullptr;
  };
  expect_contains(shell.errors(0, {"script", "release", "s"}), "was not quarantined");
  expect_equal(client.error("call", {"s", "f", {true}})["code"], "worker_crashed");
  expect_contains(shell.errors(3, {"call", "s", "f"}), "quarantined");
  expect_equal(shell.output({"script", "list", "--json"})[0]["quarantined"], true);
  expect_contains(shell.lethe({"script", "list"}).output, "QUARANTINED");
  expect_equal(shell.lethe({"script", "release", "s"}).status, 0);
  expect_equal(shell.lethe({"call", "s", "f"}).status, 0);
}

Test(command, script_delete) {
  Shell shell;
  shell.daemon().connect().put("acme/hello", greeting);
  shell.output({"script", "delete", "acme/hello"});
  expect_equal(shell.output({"script", "list", "--json"}), json::array());
}

Test(command, call) {
  Shell shell;
  shell.daemon().connect().put("acme/hello", greeting);
  expect_equal(shell.output({"call", "acme/hello", "greet", R"("Ada")", "2"}),
               "Hello Ada! Hello Ada!");
}

Test(command, chain) {
  Shell shell;
  shell.daemon().connect().put("acme/hello", greeting);
  expect_equal(shell.output({"chain", "acme/hello:twice", "acme/hello:twice", "--input", "5"}), 20);
}

Test(command, ping) {
  Shell shell;
  expect_contains(shell.lethe({"ping"}).output, LETHE_VERSION);
  expect_equal(shell.output({"ping", "--json"})["name"], "lethe");
}

Test(command, stats) {
  Shell shell;
  expect_contains(shell.lethe({"stats"}).output, "default");
  expect(shell.output({"stats", "--json"})["pools"].contains("default"), "no pool");
}

Test(command, config) {
  Shell shell{"grace_ms=23"};
  const std::string output = shell.lethe({"config"}).output;
  expect_contains(output, "grace_ms");
  expect_contains(output, "23");
  expect_contains(output, "--set");
}

Test(command, reload) {
  Shell shell;
  expect_equal(shell.lethe({"reload"}).status, 0);
}

Test(command, pause_and_resume) {
  Shell shell;
  expect_equal(shell.lethe({"pause"}).status, 0);
  shell.errors(3, {"eval", "1", "--deadline", "50"});
  expect_equal(shell.lethe({"resume"}).status, 0);
  expect_equal(shell.output({"eval", "1"}), 1);
}

Test(command, drain) {
  Shell shell;
  expect_equal(shell.lethe({"drain"}).status, 0);
  shell.errors(5, {"eval", "1"}); // shutting_down
}

Test(command, run) {
  // Needs no service: a private daemon, which is gone afterwards with its folder.
  const ScratchFolder folder;
  const std::string file = folder.file("hello.js", greeting);
  std::filesystem::create_directory(folder.path() / "tmp");
  const std::vector<std::string> environment{
      "HOME=" + folder.path().string(), "TMPDIR=" + (folder.path() / "tmp").string(),
      "XDG_CACHE_HOME=" + (build_folder() / "tests" / "cache").string(),
      "LETHE_SOCKET=" + (folder.path() / "none").string()};
  Finished finished = run({{program("lethe"), "run", file, "greet", R"("Ada")"}, environment});
  expect(finished.status == 0, finished.errors);
  expect_equal(json::parse(finished.output), "Hello Ada!");
  finished = run({{program("lethe"), "run", file, "fail"}, environment});
  expect_equal(finished.status, 1);
  expect_contains(finished.errors, "on purpose");
  expect(std::filesystem::is_empty(folder.path() / "tmp"), "the private folder is left over");
}

Test(command, socket_option) {
  Shell shell;
  const Finished finished =
      run({{program("lethe"), "--socket", shell.daemon().socket_path(), "eval", "1"},
           {"LETHE_SOCKET=/nowhere"}});
  expect(finished.status == 0, finished.errors);
}

Test(command, pool_option) {
  Shell shell{"pool.other.workers=1"};
  expect_equal(shell.output({"eval", "1", "--pool", "other"}), 1);
  expect_contains(shell.errors(5, {"eval", "1", "--pool", "none"}), "none");
}

Test(command, deadline_option) {
  Shell shell;
  const auto begin = Clock::now();
  shell.errors(3, {"eval", "while (1);", "--deadline", "100"});
  expect(milliseconds_since(begin) < 2000, "the deadline did not fire");
}

Test(command, isolation_option) {
  Shell shell{"pool.default.isolation=reuse", "pool.default.workers=1"};
  shell.daemon().connect().put("s", "var n = 0; function f() { return ++n; }");
  expect_equal(shell.output({"call", "s", "f"}), 1);
  expect_equal(shell.output({"call", "s", "f", "--isolation", "process"}), 1);
  expect_equal(shell.output({"call", "s", "f"}), 2);
}

Test(command, values_that_json_lacks) {
  Shell shell;
  expect_equal(shell.output({"eval", "new Uint8Array([1, 2, 3])"}), {{"$bin", "AQID"}});
  expect_equal(shell.output({"eval", "2n ** 63n"}), {{"$bigint", "9223372036854775808"}});
  expect_equal(shell.output({"eval", "new Date(1700000000123)"}), "2023-11-14T22:13:20.123Z");
  // The same forms are arguments.
  expect_equal(shell.output({"eval", "v.length", "--global", R"(v={"$bin": "AQID"})"}), 3);
}

Test(command, console_goes_to_standard_error) {
  Shell shell;
  const Finished finished = shell.lethe({"eval", "console.log('beside'); 1"});
  expect_equal(json::parse(finished.output), 1);
  expect_contains(finished.errors, "beside");
}

Test(command, exit_status_0_success) {
  Shell shell;
  expect_equal(shell.lethe({"eval", "1"}).status, 0);
}

Test(command, exit_status_1_the_script_failed) {
  Shell shell;
  shell.daemon().connect().put("acme/hello", greeting);
  const std::string errors = shell.errors(1, {"call", "acme/hello", "fail"});
  expect_contains(errors, "on purpose");
  expect_contains(errors, "acme/hello:6");
  expect_contains(errors, "throw new Error('on purpose');");
  expect_contains(errors, "^");
  expect_contains(shell.errors(1, {"eval", "let let"}), "^");
}

Test(command, exit_status_2_wrong_usage) {
  Shell shell;
  shell.errors(2, {"no-such-command"});
  shell.errors(2, {"call"});
  shell.errors(2, {"call", "s", "f", "{no json"});
  shell.errors(2, {"eval", "1", "--no-such-option"});
}

Test(command, exit_status_3_a_limit) {
  Shell shell{"pool.default.memory_mb=40", "max_message_bytes=50000"};
  shell.errors(3, {"eval", "while (1);", "--deadline", "50"});
  shell.errors(3, {"eval", "const a = []; for (;;) a.push([a.length]);"});
  shell.errors(3, {"eval", "'x'.repeat(60000)"});
}

Test(command, exit_status_4_the_daemon_cant_be_reached) {
  const Finished finished = run({{program("lethe"), "--socket", "/nowhere/lethe.sock", "ping"}});
  expect_equal(finished.status, 4);
  expect_contains(finished.errors, "/nowhere/lethe.sock");
}

Test(command, exit_status_5_anything_else) {
  Shell shell;
  shell.errors(5, {"call", "none", "f"});
}

Test(command, help_and_version) {
  const Finished help = run({{program("lethe"), "--help"}});
  expect_equal(help.status, 0);
  expect_contains(help.output, "eval");
  const Finished version = run({{program("lethe"), "--version"}});
  expect_equal(version.status, 0);
  expect_contains(version.output, LETHE_VERSION);
}
