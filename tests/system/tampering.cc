// SPDX-License-Identifier: Apache-2.0
// Whatever a script does to the objects that it finds: the reply is right, and so is the next.
#include "ipc/hex.h"
#include "tests/harness/daemon.h"

#include <criterion/criterion.h>
#include <functional>

using namespace lethe::test;

TestSuite(tampering, .timeout = 240);

namespace {

std::string text_of(const std::string &name) {
  return read_file(source_folder() / "tests" / "system" / "tampering" / (name + ".js"));
}

const json options = {{"deadline_ms", 20'000}};

struct World {
  Daemon daemon;
  Client client = daemon.connect();
  std::string isolation;
  json clean; // the values, from a world in which nothing was done

  explicit World(const std::string &the_isolation)
      : daemon({"pool.default.workers=1", "pool.default.isolation=" + the_isolation}),
        isolation(the_isolation) {
    client.on_host_call = [](uint32_t, const std::string &name, const json &arguments) {
      if (name != "echo")
        throw HostError{{{"message", "no network"}}};
      return arguments[0];
    };
    client.put("s", text_of("pollute") + text_of("attempts") + text_of("replies"));
    clean = client.call("s", "values");
    expect_equal(clean["list"], R"([1, -0.5, "é😀", true, null, [[]]])"_json);
    expect_equal(clean["big"], int64_t{1} << 60);
    expect_equal(clean["bytes"], json::binary({0, 255}));
    expect_equal(clean["nested"], R"({"a": {"b": {"c d": [{}]}}})"_json);
    expect_equal(clean["instance"], {{"x", 1}});
    expect_equal(clean["set"], {1, "a"});
    expect_equal(clean["boxed"], {"s", 1.5, false});
    expect_equal(clean.size(), 11);
  }
  // Where requests find what others left: a worker that has run none.
  void renew() {
    if (isolation == "reuse")
      daemon.replace_idle_workers();
  }

  void expect_right_replies(const std::string &way) {
    const Where where = Where::here();
    renew();
    expect_equal(client.call("s", "returned", {way}, options), clean, where);
    // Under `reuse` in the same polluted world.
    expect_equal(client.call("s", "again", json::array(), options), clean, where);
    renew();
    expect_equal(client.call("s", "resolvedLater", {way}, options), clean, where);
    renew();
    expect_equal(client.call("s", "asked", {way}, options), clean, where);
    renew();
    json error = client.error("call", {"s", "thrown", {way}, options}, where);
    expect_equal(error["code"], "script_error", where);
    expect_contains(error["message"], "thrown on purpose", where);
    expect_equal(error["script"], "s", where);
    renew();
    error = client.error("call", {"s", "missing", {way}, options}, where);
    expect_equal(error["code"], "script_error", where);
    expect_contains(error["message"], "Cannot read properties of null", where);
    renew();
    expect_survival("call", {"s", "attempted", {way, nullptr}, options}, way);
    // Each has the same fresh world under each isolation.
    if (isolation == "rewind")
      expect_no_harm_of_each(way);
    expect_equal(client.eval("[1, {a: new Map([[1, 2]])}, `${[3]}`].length"), 3, where);
  }
  // Each by itself, as one may end what others do.
  void expect_no_harm_of_each(const std::string &way) {
    const int count = client.call("s", "countAttempts");
    for (int i = 0; i < count; ++i) {
      const std::string what = way + ", " + std::to_string(i);
      expect_survival("call", {"s", "attempted", {way, i}, options}, what);
      // With what is made only then.
      const std::string late =
          "pollute(" + json(way).dump() + ", true); attempts[" + std::to_string(i) + "]()";
      expect_survival("eval",
                      {"{" + text_of("pollute") + text_of("attempts") + late + "}", options},
                      what + ", late");
    }
  }
  // Nonsense or an error of the script.
  void expect_survival(const std::string &method, const json &params, const std::string &what) {
    const Reply reply = client.wait(client.start(method, params));
    if (reply.failed() && reply.error()["code"] != "invalid_value")
      expect(reply.error()["code"] == "script_error", what + ": " + reply.error().dump());
  }
};

void expect_right_replies(const std::string &isolation) {
  World world(isolation);
  const json ways = world.client.call("s", "pollute");
  expect(ways.size() >= 8, "pollute.js has its ways");
  for (const std::string way : ways)
    world.expect_right_replies(way);
}

// A fresh world for each way: recorders of all built-ins, or of the language's before anything else
// is made.
void for_each_recorded_world(const std::function<void(Client &, bool only_language)> &action) {
  Daemon daemon({"pool.default.workers=1"});
  Client client = daemon.connect();
  client.on_host_call = [](uint32_t, const std::string &name, const json &arguments) -> json {
    if (name == "fetch")
      return {{"status", 201},
              {"statusText", "Made"},
              {"headers", {{"x", "1"}}},
              {"body", "of " + arguments[0]["method"].get<std::string>()}};
    if (name != "echo")
      throw HostError{{{"message", "not known"}}};
    return arguments[0];
  };
  client.put("s", text_of("recorders") + text_of("uses"), {{"node_globals", true}});
  for (const bool only_language : {false, true})
    action(client, only_language);
}

// What uses.js gets out of its streams: all that it put in, in hexadecimal.
std::string uncompressed() {
  std::string bytes;
  for (const auto &[length, first] : {std::pair{50U, 1U}, std::pair{5000U, 2U}})
    for (unsigned i = 0; i < length; ++i)
      bytes += static_cast<char>(first + i * i);
  return lethe::to_hex(bytes + std::string(64, '\0')) + ";";
}

} // namespace

Test(tampering, shows_nothing_of_ours_to_what_a_script_puts_in_the_place_of_built_ins) {
  for_each_recorded_world([](Client &client, bool only_language) {
    const Where where = Where::here();
    const json right = client.call("s", "useAll", json::array(), options);
    const json recorded = client.call("s", "useAllWithRecorders", {only_language}, options);
    expect(recorded["count"] > 500, "only few built-ins are replaced: " + recorded["count"].dump());
    expect_equal(recorded["strangers"], json::array(), where);
    expect_equal(recorded["results"], right, where);
    const std::string once = uncompressed();
    expect_equal(right["compression"], once + once + once, where);
  });
}

Test(tampering, hands_nothing_of_ours_out_by_callers_and_stack_traces) {
  Daemon daemon({"pool.default.workers=1"});
  Client client = daemon.connect();
  client.on_host_call = [](uint32_t, const std::string &, const json &) { return json(1); };
  client.put("s", text_of("hidden"), {{"node_globals", true}});
  const json result = client.call("s", "lookForHidden", json::array(), options);
  expect(result[0] > 60, "only few calls of a script's functions: " + result[0].dump());
  expect_equal(result[1], json::array());
}

Test(tampering, does_not_disturb_a_compression_under_way) {
  for_each_recorded_world([](Client &client, bool only_language) {
    expect_equal(client.call("s", "compressAndOverwrite", {only_language}, options),
                 "gzip: 400000 bytes, the same;deflate: 400000 bytes, the same;"
                 "deflate-raw: 400000 bytes, the same;");
  });
}

Test(tampering, does_not_change_replies_under_rewind) { expect_right_replies("rewind"); }
Test(tampering, does_not_change_replies_under_process) { expect_right_replies("process"); }
Test(tampering, does_not_change_replies_under_reuse) { expect_right_replies("reuse"); }
