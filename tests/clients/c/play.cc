// SPDX-License-Identifier: Apache-2.0
// Plays the steps of a case.
#include "tests/clients/c/play.h"

#include <csignal>
#include <cstdio>
#include <string_view>
#include <unistd.h>

namespace lethe::test {
namespace {

// For how long a request waits for a daemon: less than the 3 s of the case that has none.
constexpr int64_t connect_timeout_ms = 2500;

lethe_client *connect(const Daemon &daemon) {
  lethe_reply *error = nullptr;
  lethe_client *client = lethe_connect(daemon.socket_path().c_str(), connect_timeout_ms, &error);
  if (!client)
    fail(lethe_reply_message(OwnReply(error).get()));
  return client;
}

// In a forked process, whose clients are its own. 0, 1 if it throws, or 128 + signal.
int in_child(const std::function<void()> &run_there) {
  const auto run_and_exit = [&] {
    try {
      run_there();
    } catch (const Failure &failure) {
      std::fprintf(stderr, "%s\n", failure.what());
      ::_exit(1);
    }
    ::_exit(0);
  };
  return run({{"true"}, {}, {}, run_and_exit}).status;
}

std::string_view text_of(lethe_value value) {
  const char *bytes = nullptr;
  size_t size = 0;
  lethe_value_bytes(value, &bytes, &size);
  return {bytes, size};
}

void check_thrown(lethe_value error, const json &wanted);

// An Error is a map of which some keys are told, what else was thrown a value.
void check_named(lethe_value error, const json &wanted) {
  if (wanted.is_object())
    check_thrown(error, wanted);
  else
    expect_same(error, wanted, "what an error names");
}

void check_thrown(lethe_value error, const json &wanted) {
  for (const auto &[key, value] : wanted.items()) {
    // What has a place of its own in other clients is below the protocol's name here.
    const lethe_value seen = lethe_value_get(error, key == "properties" ? "value" : key.c_str());
    if (key == "cause") {
      check_named(seen, value);
    } else if (key == "errors") {
      expect_equal(lethe_value_count(seen), value.size());
      for (size_t i = 0; i < value.size(); ++i)
        check_named(lethe_value_at(seen, i), value[i]);
    } else {
      expect_same(seen, value, key);
    }
  }
}

void check_error(const OwnReply &reply, json wanted) {
  expect(!lethe_reply_ok(reply.get()), "there is no error");
  const std::string code = lethe_reply_code(reply.get());
  // The code says it: unreachable was surely not run.
  if (wanted.contains("sent")) {
    expect_equal(code == "connection_lost", wanted["sent"]);
    wanted.erase("sent");
  }
  if (wanted.contains("code"))
    expect_equal(code, wanted["code"]);
  if (wanted.contains("message"))
    expect_equal(lethe_reply_message(reply.get()), wanted["message"]);
  check_thrown(lethe_reply_value(reply.get()), wanted);
}

void check_result(const OwnReply &reply, const json &step) {
  const lethe_value value = lethe_reply_value(reply.get());
  expect(lethe_reply_ok(reply.get()),
         "an error: " + std::string(text_of(lethe_value_get(value, "code"))) + ": " +
             std::string(text_of(lethe_value_get(value, "message"))));
  if (step.contains("contains"))
    for (const auto &[key, wanted] : step["contains"].items())
      expect_same(lethe_value_get(value, key.c_str()), wanted, key);
  else if (step.contains("result"))
    expect_same(value, step["result"], "the result");
}

} // namespace

Play::Play(Daemon &daemon, Way way) : daemon_(daemon), way_(way), client_(connect(daemon)) {
  hosts_.emplace(client_, way);
  lethe_on_console(
      client_,
      [](void *self, uint32_t, const char *level, const char *text, size_t size) {
        static_cast<Play *>(self)->console_.push_back({level, std::string(text, size)});
      },
      this);
  lethe_on_stats(
      client_,
      [](void *self, uint32_t, lethe_value figures) {
        lethe_iterator pairs = lethe_iterate(figures);
        lethe_value key, value;
        while (lethe_next(&pairs, &key, &value))
          static_cast<Play *>(self)->figures_.emplace(text_of(key), true);
      },
      this);
}

Play::~Play() { close(); }

void Play::close() {
  hosts_->end();
  lethe_close(std::exchange(client_, nullptr));
}

void Play::play(const json &step) {
  if (step.contains("start")) {
    start(step["start"], Asked(step));
  } else if (step.contains("finish")) {
    check(step, [&] { return finish(step["finish"]); });
  } else if (step.contains("cancel")) {
    lethe_cancel(started_.at(step["cancel"]).request);
  } else if (step.contains("begun")) {
    dispatch_until([&] { return hosts_->has_begun(step["begun"]); });
  } else if (step.contains("attempted")) {
    dispatch_until([&] { return hosts_->attempts() >= step["attempted"]; });
  } else if (step.contains("release")) {
    hosts_->release();
  } else if (step.contains("daemon")) {
    control_daemon(step["daemon"]);
  } else if (step.contains("close")) {
    close();
  } else if (step.contains("client_dies")) {
    die_in_host_function(step["client_dies"]);
  } else if (step.contains("fork")) {
    ask_in_child(step);
  } else if (step.contains("many")) {
    many(step);
  } else if (step.contains("request_until")) {
    request_until(step["request_until"]);
  } else {
    request(step);
  }
}

void Play::control_daemon(const std::string &action) {
  if (action == "start")
    daemon_.start();
  else if (action == "stop")
    daemon_.stop();
  else if (action == "kill")
    daemon_.kill();
  else if (action == "kill_workers")
    for (const pid_t worker : daemon_.workers())
      ::kill(worker, SIGKILL);
  else
    fail("no " + action + " of the daemon");
}

void Play::die_in_host_function(const json &source) {
  const int status = in_child([&] {
    lethe_client *client = connect(daemon_);
    lethe_on_host_call(
        client, "begun", [](void *, lethe_host_call *) { ::raise(SIGKILL); }, nullptr);
    Asked(json::object({{"eval", source}})).ask(client);
  });
  expect_equal(status, 128 + SIGKILL);
}

void Play::ask_in_child(const json &step) {
  expect_equal(in_child([&] { check_result(Asked(step).ask(connect(daemon_)), step); }), 0);
}

void Play::start(const std::string &name, const Asked &asked) {
  Started &started = started_[name];
  const auto completed = [](void *user, lethe_reply *reply) {
    static_cast<Started *>(user)->reply.reset(reply);
  };
  started.request = asked.start(client_, way_ == Way::dispatching ? +completed : nullptr, &started);
}

OwnReply Play::finish(const std::string &name) {
  Started &started = started_.at(name);
  OwnReply reply;
  if (way_ == Way::waiting) {
    reply.reset(lethe_wait(started.request, -1));
    lethe_request_free(started.request);
  } else {
    dispatch_until([&] { return started.reply != nullptr; });
    reply = std::move(started.reply);
  }
  started_.erase(name);
  return reply;
}

OwnReply Play::ask(Asked &asked) {
  if (OwnReply refusal = asked.take_refusal())
    return refusal;
  if (way_ == Way::waiting)
    return asked.ask(client_);
  start("", asked);
  return finish("");
}

void Play::request(const json &step) {
  console_ = json::array();
  figures_ = json::object();
  check(step, [&] {
    Asked asked(step);
    return ask(asked);
  });
  if (!step.contains("report"))
    return;
  expect_equal(console_, step["report"]["console"]);
  for (const json &name : step["report"]["stats"])
    expect(figures_.contains(name), "there is no " + shown(name) + " in " + shown(figures_));
}

void Play::check(const json &step, const std::function<OwnReply()> &ask) {
  const auto begin = Clock::now();
  const OwnReply reply = ask();
  const double took = milliseconds_since(begin);
  if (step.contains("error"))
    check_error(reply, step["error"]);
  else
    check_result(reply, step);
  if (step.contains("within_ms"))
    expect(took < step["within_ms"], "it took " + std::to_string(took) + " ms");
}

void Play::many(const json &step) {
  const int count = step["many"];
  for (int n = 0; n < count; ++n) {
    json one = {{"eval", step["eval"]}};
    one["options"]["globals"][step["global"].get<std::string>()] = n;
    start(std::to_string(n), Asked(one));
  }
  for (int n = 0; n < count; ++n)
    check_result(finish(std::to_string(n)), json::object({{"result", n}}));
}

void Play::request_until(const json &parts) {
  const OwnBuilder wanted = built(parts[2]);
  expect(becomes_true([&] {
           Asked asked(json::object({{"request", json::array({parts[0], json::array()})}}));
           const OwnReply reply = ask(asked);
           lethe_value seen = lethe_reply_value(reply.get());
           for (const json &key : parts[1])
             seen = lethe_value_get(seen, key.get<std::string>().c_str());
           return same(seen, lethe_builder_value(wanted.get()));
         }),
         "it did not become " + shown(parts));
}

void Play::dispatch_until(const std::function<bool()> &condition) {
  const auto until = Clock::now() + patience;
  while (!condition()) {
    expect(Clock::now() < until, "it does not happen");
    wait_readable({lethe_descriptor(client_)});
    lethe_dispatch(client_, 0);
  }
}

} // namespace lethe::test
