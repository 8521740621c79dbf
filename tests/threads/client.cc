// SPDX-License-Identifier: Apache-2.0
// Many threads on one client, for ThreadSanitizer (`make sanitize`): calls that wait, requests by
// handle, completions, cancellation, host calls answered elsewhere. A program of its own, as
// Criterion's memory is where ThreadSanitizer wants its own. Usage: client SOCKET
#include "client/include/lethe.h"

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

constexpr int rounds = 300;

[[noreturn]] void fail(const std::string &what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}

lethe_value raw(std::string_view message_pack) {
  return {message_pack.data(), message_pack.size()};
}

void expect_integer(lethe_reply *reply, int64_t expected) {
  int64_t value = 0;
  if (!lethe_reply_ok(reply))
    fail(lethe_reply_message(reply));
  if (!lethe_value_int64(lethe_reply_value(reply), &value) || value != expected)
    fail("a wrong reply: " + std::to_string(value) + " for " + std::to_string(expected));
  lethe_reply_free(reply);
}

// Answers host calls from a thread of its own.
class Host {
public:
  ~Host() {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }
  static void take(void *self, lethe_host_call *call) {
    auto &host = *static_cast<Host *>(self);
    {
      const std::lock_guard lock(host.mutex_);
      host.calls_.push_back(call);
    }
    host.changed_.notify_one();
  }

private:
  void answer() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return ended_ || !calls_.empty(); });
      if (calls_.empty())
        return;
      lethe_host_call *call = calls_.front();
      calls_.pop_front();
      lock.unlock();
      lethe_host_reply(call, lethe_value_at(lethe_host_call_arguments(call), 0));
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<lethe_host_call *> calls_;
  bool ended_ = false;
  std::thread thread_{[this] { answer(); }};
};

void wait_for_calls(lethe_client *client) {
  for (int i = 0; i < rounds; ++i)
    expect_integer(lethe_call(client, "s", "seven", raw("\x90"), nullptr), 7);
}

void take_by_handle(lethe_client *client) {
  for (int i = 0; i < rounds; ++i) {
    lethe_request *request =
        lethe_call_async(client, "s", "seven", raw("\x90"), nullptr, nullptr, nullptr);
    lethe_reply *reply = nullptr;
    while (!reply)
      reply = lethe_wait(request, 1);
    expect_integer(reply, 7);
    lethe_request_free(request);
  }
}

void cancel(lethe_client *client) {
  constexpr std::string_view endless = "while (true);";
  for (int i = 0; i < rounds / 10; ++i) {
    lethe_request *request =
        lethe_eval_async(client, endless.data(), endless.size(), nullptr, nullptr, nullptr);
    lethe_cancel(request);
    lethe_reply *reply = lethe_wait(request, -1);
    if (!reply || lethe_reply_ok(reply) || std::string_view(lethe_reply_code(reply)) != "cancelled")
      fail("what was cancelled came to an end");
    lethe_reply_free(reply);
    lethe_request_free(request);
  }
}

void call_the_host(lethe_client *client) {
  for (int i = 0; i < rounds; ++i)
    expect_integer(lethe_call(client, "s", "host7", raw("\x90"), nullptr), 7);
}

void complete(lethe_client *client) {
  std::atomic<int> completed{0};
  for (int i = 0; i < rounds; ++i)
    lethe_call_async(
        client, "s", "seven", raw("\x90"), nullptr,
        [](void *count, lethe_reply *reply) {
          expect_integer(reply, 7);
          ++*static_cast<std::atomic<int> *>(count);
        },
        &completed);
  while (completed < rounds)
    lethe_dispatch(client, 10);
}

} // namespace

int main(int, char **argv) {
  lethe_reply *error = nullptr;
  lethe_client *client = lethe_connect(argv[1], 10'000, &error);
  if (!client)
    fail(lethe_reply_message(error));
  {
    Host host;
    lethe_on_host_call(client, nullptr, Host::take, &host);
    lethe_builder *put = lethe_builder_new();
    lethe_build_array(put, 2);
    lethe_build_string(put, "s", LETHE_TEXT);
    lethe_build_string(
        put, "function seven() { return 7; } function host7() { return host.call('same', 7); }",
        LETHE_TEXT);
    lethe_reply *reply = lethe_invoke(client, "script.put", lethe_builder_value(put), 0);
    if (!lethe_reply_ok(reply))
      fail(lethe_reply_message(reply));
    lethe_reply_free(reply);
    lethe_builder_free(put);
    std::vector<std::thread> threads;
    for (const auto &work :
         {wait_for_calls, wait_for_calls, take_by_handle, cancel, call_the_host, complete})
      threads.emplace_back(work, client);
    for (auto &thread : threads)
      thread.join();
  }
  lethe_close(client);
  std::puts("threads: all replies right");
}
