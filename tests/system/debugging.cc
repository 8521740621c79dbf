// SPDX-License-Identifier: Apache-2.0
// lethe inspect, profile, heap and top, with the real daemon: what debuggers and viewers of
// profiles rely on.
#include "tests/harness/command.h"
#include "tests/harness/devtools.h"

#include <criterion/criterion.h>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <unistd.h>

using namespace lethe::test;
using lethe::FileDescriptor;

TestSuite(debugging, .timeout = 60);

namespace {

constexpr const char *kept_source = "class Kept { constructor(n) { this.n = n; } }\n"
                                    "globalThis.all = [];\n"
                                    "function hot(n) {\n"
                                    "  let sum = 0;\n"
                                    "  for (let i = 0; i < n; ++i)\n"
                                    "    sum += Math.sqrt(i) % 3;\n"
                                    "  return sum;\n"
                                    "}\n"
                                    "function work(n) {\n"
                                    "  return hot(n) > 0;\n"
                                    "}\n"
                                    "function keep(n) {\n"
                                    "  for (let i = 0; i < n; ++i) all.push(new Kept(i));\n"
                                    "}\n"
                                    "function add(a, b) {\n"
                                    "  const total = a + b;\n"
                                    "  console.log('total', total);\n"
                                    "  return total;\n"
                                    "}\n"
                                    "async function ask() {\n"
                                    "  return await host.call('anything');\n"
                                    "}\n"
                                    "function spin() {\n"
                                    "  for (;;) globalThis.turns = (globalThis.turns ?? 0) + 1;\n"
                                    "}\n"
                                    "function fail() { throw new Error('on purpose'); }\n";

// A daemon with the script, and the command with it.
class DebuggedWorld {
public:
  explicit DebuggedWorld(std::initializer_list<std::string> settings = {}) : daemon_(settings) {
    daemon_.connect().put("acme/s", kept_source);
  }
  Finished lethe(const std::vector<std::string> &words) {
    return run(lethe_command(daemon_, words));
  }
  std::string file(const std::string &name) const { return daemon_.folder().path() / name; }
  Daemon &daemon() { return daemon_; }
  size_t debugging() {
    return daemon_.connect().result("stats", json::array())["pools"]["default"]["debugging"];
  }

private:
  Daemon daemon_;
};

// `lethe inspect`, with its output in files.
class Inspection {
public:
  Inspection(DebuggedWorld &world, const std::vector<std::string> &arguments)
      : output_(world.file("output")), errors_(world.file("errors")),
        process_(command(world, arguments), open(output_).get(), open(errors_).get()) {
    const std::string before = "ws://127.0.0.1:";
    expect(becomes_true([&] { return errors().find("port ") != std::string::npos; }),
           "no port: " + errors());
    const std::string text = errors();
    port = std::stoi(text.substr(text.find(before) + before.size()));
  }
  std::string output() const { return read_file(output_); }
  std::string errors() const { return read_file(errors_); }
  Process &process() { return process_; }

  int port = 0;

private:
  static Command command(DebuggedWorld &world, std::vector<std::string> words) {
    words.insert(words.begin(), "inspect");
    words.insert(words.end(), {"--port", "0"});
    return lethe_command(world.daemon(), words);
  }
  FileDescriptor &open(const std::string &path) {
    files_.emplace_back(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    return files_.back();
  }

  std::string output_, errors_;
  std::vector<FileDescriptor> files_;
  Process process_;
};

// Lets the script run, and waits until it stops at the function's first statement.
void go_to_first_statement(DevTools &tools) {
  tools.ask("Debugger.enable");
  tools.ask("Runtime.runIfWaitingForDebugger");
  tools.event("Debugger.paused");
}

} // namespace

Test(debugging, a_profile_names_the_hot_function_and_its_line) {
  DebuggedWorld world;
  const std::string path = world.file("p.cpuprofile");
  const Finished finished =
      world.lethe({"profile", "acme/s", "work", "20000", "--for", "1s", "--output", path});
  expect_equal(finished.status, 0);
  expect_contains(finished.errors, "acme/s:work: ");
  expect_contains(finished.errors, " calls, ");
  expect_contains(finished.errors, " µs each");
  const json profile = json::parse(read_file(path));
  std::map<int64_t, json> nodes;
  for (const json &node : profile["nodes"])
    nodes[node["id"]] = node;
  size_t hot = 0, in_loop = 0;
  for (const json &id : profile["samples"])
    hot += nodes[id]["callFrame"]["functionName"] == "hot" ? 1 : 0;
  for (const auto &[id, node] : nodes) {
    const json &frame = node["callFrame"];
    if (frame["functionName"] != "hot" && frame["functionName"] != "work")
      continue;
    expect_equal(frame["url"], "acme/s");
    expect_equal(frame["lineNumber"], frame["functionName"] == "hot" ? 2 : 8); // from 0
    size_t ticks = 0;
    for (const json &tick : node.value("positionTicks", json::array()))
      ticks += tick["line"] == 5 || tick["line"] == 6 ? tick["ticks"].get<size_t>() : 0;
    in_loop += ticks;
    if (frame["functionName"] == "work") // V8 13 counts what it inlined there, at its own line
      hot += ticks;
  }
  const size_t samples = profile["samples"].size();
  expect(samples > 100, std::to_string(samples) + " samples in a second");
  expect_equal(profile["timeDeltas"].size(), samples);
  expect(hot * 2 > samples, "the hot function is in " + std::to_string(hot) + " samples of " +
                                std::to_string(samples));
  expect(in_loop * 10 > hot * 8,
         "the loop's lines have " + std::to_string(in_loop) + " of " + std::to_string(hot));
}

Test(debugging, a_profile_of_an_endless_function_ends) {
  DebuggedWorld world;
  const std::string path = world.file("p.cpuprofile");
  const Finished finished =
      world.lethe({"profile", "acme/s", "spin", "--for", "300ms", "--output", path});
  expect_equal(finished.status, 0);
  expect_contains(finished.errors, "did not return");
  expect_contains(read_file(path), R"("functionName":"spin")");
}

Test(debugging, a_profile_of_what_fails_is_an_error_and_leaves_no_file) {
  DebuggedWorld world;
  const std::string path = world.file("p.cpuprofile");
  const Finished finished = world.lethe({"profile", "acme/s", "fail", "--output", path});
  expect_equal(finished.status, 1);
  expect_contains(finished.errors, "on purpose");
  expect(!std::filesystem::exists(path), "there is a file");
}

Test(debugging, a_heap_snapshot_has_the_objects_of_the_script) {
  DebuggedWorld world;
  const std::string path = world.file("h.heapsnapshot");
  expect_equal(world.lethe({"heap", "acme/s", "keep", "1234", "--output", path}).status, 0);
  const json snapshot = json::parse(read_file(path));
  const json &fields = snapshot["snapshot"]["meta"]["node_fields"];
  expect_equal(fields[1], "name");
  const json &strings = snapshot["strings"], &nodes = snapshot["nodes"];
  size_t kept = 0;
  for (size_t at = 0; at < nodes.size(); at += fields.size()) {
    const bool is_object =
        snapshot["snapshot"]["meta"]["node_types"][0][nodes[at].get<size_t>()] == "object";
    kept += is_object && strings[nodes[at + 1].get<size_t>()] == "Kept" ? 1 : 0;
  }
  // The prototype goes by the class's name, too.
  expect(kept >= 1234 && kept < 1240, std::to_string(kept) + " objects");
}

Test(debugging, a_heap_snapshot_needs_no_script) {
  DebuggedWorld world;
  const std::string path = world.file("h.heapsnapshot");
  const Finished finished = world.lethe({"heap", "--output", path});
  expect_equal(finished.status, 0);
  expect(json::parse(read_file(path))["nodes"].size() > 1000, "hardly any node");
}

Test(debugging, a_debugger_stops_at_a_breakpoint_and_evaluates_a_local_variable) {
  DebuggedWorld world;
  Inspection inspection(world, {"acme/s", "add", "20", "22"});
  expect_equal(json::parse(http_get(inspection.port, "/json/version"))["Protocol-Version"], "1.3");
  DevTools tools(inspection.port);
  tools.ask("Runtime.enable");
  expect_equal(tools.event("Runtime.executionContextCreated")["context"]["name"], "acme/s");
  tools.ask("Debugger.enable");
  tools.ask("Debugger.setBreakpointByUrl", {{"url", "acme/s"}, {"lineNumber", 17}});
  tools.ask("Runtime.runIfWaitingForDebugger");

  json paused = tools.event("Debugger.paused"); // at the first statement
  expect_equal(paused["callFrames"][0]["functionName"], "add");
  expect_equal(paused["callFrames"][0]["location"]["lineNumber"], 15);
  expect_equal(world.debugging(), 1);
  tools.ask("Debugger.resume");

  expect_equal(tools.event("Runtime.consoleAPICalled")["args"][0]["value"], "total 42");
  paused = tools.event("Debugger.paused"); // at the breakpoint
  expect_equal(paused["callFrames"][0]["location"]["lineNumber"], 17);
  expect_contains(paused["hitBreakpoints"][0], "acme/s");
  const std::string frame = paused["callFrames"][0]["callFrameId"];
  expect_equal(tools.ask("Debugger.evaluateOnCallFrame",
                         {{"callFrameId", frame},
                          {"expression", "`${a} and ${b}: ${total} ä€`"}})["result"]["value"],
               "20 and 22: 42 ä€");
  tools.ask("Debugger.setVariableValue", {{"scopeNumber", 0},
                                          {"variableName", "a"},
                                          {"newValue", {{"value", 1}}},
                                          {"callFrameId", frame}});
  const std::string script = paused["callFrames"][0]["location"]["scriptId"];
  expect_equal(tools.ask("Debugger.getScriptSource", {{"scriptId", script}})["scriptSource"],
               kept_source);
  tools.ask("Debugger.resume");
  expect(tools.is_closed_by_server(), "the WebSocket stays open");
  expect_equal(inspection.process().wait(), 0);
  expect_equal(inspection.output(), "42\n");
  expect_contains(inspection.errors(), "total 42"); // its console, too
  expect(becomes_true([&] { return world.debugging() == 0; }), "the worker is still there");
}

Test(debugging, a_running_script_can_be_paused_and_ended) {
  DebuggedWorld world;
  Inspection inspection(world, {"acme/s", "spin", "--no-pause"});
  DevTools tools(inspection.port);
  tools.ask("Debugger.enable");
  tools.ask("Runtime.runIfWaitingForDebugger");
  expect(becomes_true([&] {
           return tools.ask("Runtime.evaluate", {{"expression", "turns > 0"}})["result"]["value"] ==
                  true;
         }),
         "it does not run");
  tools.ask("Debugger.pause");
  expect_equal(tools.event("Debugger.paused")["callFrames"][0]["functionName"], "spin");
  inspection.process().signal(SIGINT); // Ctrl-C
  inspection.process().wait();
  expect(becomes_true([&] { return world.debugging() == 0; }), "the worker is still there");
}

Test(debugging, when_the_debugger_leaves_the_script_runs_on) {
  DebuggedWorld world;
  Inspection inspection(world, {"acme/s", "add", "1", "2"});
  {
    DevTools tools(inspection.port);
    go_to_first_statement(tools);
  }
  expect_equal(inspection.process().wait(), 0);
  expect_equal(inspection.output(), "3\n");
}

Test(debugging, a_breakpoint_in_code_that_runs_while_the_script_is_loaded) {
  DebuggedWorld world;
  Inspection inspection(world, {"acme/s", "add", "1", "2", "--no-pause"});
  DevTools tools(inspection.port);
  tools.ask("Debugger.enable");
  tools.ask("Debugger.setBreakpointByUrl", {{"url", "acme/s"}, {"lineNumber", 1}});
  tools.ask("Runtime.runIfWaitingForDebugger");
  expect_equal(tools.event("Debugger.paused")["callFrames"][0]["location"]["lineNumber"], 1);
  tools.ask("Debugger.resume");
  expect_equal(inspection.process().wait(), 0);
  expect_equal(inspection.output(), "3\n");
}

Test(debugging, a_call_to_the_client_is_refused_and_the_error_told) {
  DebuggedWorld world;
  Inspection inspection(world, {"acme/s", "ask", "--no-pause"});
  DevTools tools(inspection.port);
  tools.ask("Runtime.runIfWaitingForDebugger");
  expect_equal(inspection.process().wait(), 1);
  expect_contains(inspection.errors(), "answers no calls");
}

Test(debugging, only_this_machine_gets_the_list) {
  DebuggedWorld world;
  Inspection inspection(world, {"acme/s", "add", "1", "2"});
  expect_equal(json::parse(http_get(inspection.port, "/json"))[0]["title"], "acme/s");
  expect_equal(http_get(inspection.port, "/json", "evil.example"), "");
  expect_equal(http_get(inspection.port, "/anything"), "");
}

Test(debugging, other_requests_go_on_and_the_pool_keeps_its_workers) {
  DebuggedWorld world({"pool.default.workers=1"});
  Inspection inspection(world, {"acme/s", "add", "1", "2"});
  DevTools tools(inspection.port);
  go_to_first_statement(tools);
  Client client = world.daemon().connect();
  for (int i = 0; i < 100; ++i)
    expect_equal(client.call("acme/s", "add", {i, 1}), i + 1);
  client.put("acme/s", "function add() { return 'new'; }"); // a reload of all workers
  expect_equal(client.call("acme/s", "add"), "new");
  const json pool = client.result("stats", json::array())["pools"]["default"];
  expect_equal(pool["workers"], 1);
  expect_equal(pool["debugging"], 1);
  tools.ask("Debugger.resume");
  expect_equal(inspection.process().wait(), 0);
  expect_equal(inspection.output(), "3\n"); // of the version that it began with
}

Test(debugging, its_deadline_is_off) {
  DebuggedWorld world({"pool.default.deadline_ms=100"});
  Inspection inspection(world, {"acme/s", "add", "1", "2"});
  DevTools tools(inspection.port);
  go_to_first_statement(tools);
  ::usleep(500'000); // time that must not matter
  tools.ask("Debugger.resume");
  expect_equal(inspection.process().wait(), 0);
}

Test(debugging, more_than_a_few_debuggers_are_refused) {
  DebuggedWorld world;
  Client client = world.daemon().connect();
  for (int i = 0; i < 4; ++i)
    client.start("inspect", {"acme/s", "add", {1, 2}});
  expect(becomes_true([&] { return world.debugging() == 4; }), "they are not there");
  const json error = client.error("inspect", {"acme/s", "add", {1, 2}});
  expect_equal(error["code"], "overloaded");
  client.close(); // cancels all
  expect(becomes_true([&] { return world.debugging() == 0; }), "they are still there");
}

Test(debugging, a_killed_worker_is_an_error) {
  DebuggedWorld world;
  Client client = world.daemon().connect();
  const uint32_t msgid = client.start("inspect", {"acme/s", "add", {1, 2}});
  expect(becomes_true([&] { return world.debugging() == 1; }), "it is not there");
  const json stats = client.result("stats", json::array());
  for (const json &worker : stats["pools"]["default"]["processes"])
    if (worker["state"] == "debugging")
      ::kill(worker["pid"], SIGKILL);
  expect_equal(client.wait(msgid).error()["code"], "worker_crashed");
}

Test(debugging, is_for_administrators) {
  if (::getuid() != 0)
    cr_skip_test("needs root to become another user");
  DebuggedWorld world({"socket_mode=\"0666\""});
  std::filesystem::permissions(world.daemon().folder().path(), std::filesystem::perms(0755));
  expect(::seteuid(65534) == 0, "seteuid");
  Client client = world.daemon().connect();
  expect(::seteuid(0) == 0, "seteuid");
  for (const std::string method : {"inspect", "profile", "heap"}) {
    const json error = client.error(method, {"acme/s", "add", {1, 2}});
    expect_equal(error["code"], "forbidden");
    expect_equal(error["method"], method);
  }
}

Test(debugging, top_shows_pools_and_workers_once) {
  DebuggedWorld world({"pool.default.workers=2"});
  world.daemon().connect().call("acme/s", "add", {1, 2});
  const Finished finished = world.lethe({"top", "--once"});
  expect_equal(finished.status, 0);
  expect(finished.output.find('\033') == std::string::npos, "an escape sequence");
  for (const char *text : {"POOL", "default", "rewind", "WORKER", "idle"})
    expect_contains(finished.output, text);
}
