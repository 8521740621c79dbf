// SPDX-License-Identifier: Apache-2.0
// The attacker and the bystander.
#include "tests/attack/attacker.h"
#include "tests/harness/user.h"

#include <algorithm>
#include <cerrno>
#include <criterion/criterion.h>
#include <csignal>
#include <sys/syscall.h>

namespace lethe::test {
namespace {

constexpr int idle_calls = 30;
constexpr size_t fewest_calls = 20;
// Machines are busy, and tests run side by side: this only tells served from not served.
constexpr double latest_ms = 2000;
constexpr uid_t another_user = 12'345;
constexpr milliseconds ends_within{10'000};

std::string number(long value) { return std::to_string(value); }

// What the body of an attack finds.
std::string around(const std::string &body) {
  return "(async () => { const {channel, page, pid, mark, code, stack} = attack.facts();"
         "const word = (address) => new DataView(attack.peek(address, 4).buffer).getUint32(0, "
         "true);"
         "const claimed = () => word(page + 4);"
         "const claim = (number) => attack.poke(page + 4, new Uint32Array([number]));"
         "const send = (bytes) => attack.syscall(" +
         number(SYS_write) +
         ", channel, bytes, bytes.length);"
         // A frame gets the number of the request, or one so much later.
         "const say = (frame, later = 0) => { new DataView(frame.buffer, frame.byteOffset)"
         ".setUint32(8, claimed() + later, true); return send(frame); };"
         "const deafen = () => attack.syscall(" +
         number(SYS_rt_sigprocmask) +
         ", 0, new Uint8Array(8).fill(255), 0, 8);"
         "const sleep = () => { for (;;) attack.syscall(" +
         number(SYS_ppoll) +
         ", 0, 0, 0, 0, 0); };"
         "const loop = () => { deafen(); for (;;); };"
         "await host.call('here', pid);\n" +
         body + "\n})()";
}

// Connected before there is a second thread: the user is the process's.
Client connect(const Daemon &daemon) {
  return may_be_others() ? connect_as(another_user, daemon) : daemon.connect();
}

double timed_call(Client &client) {
  const auto begin = Clock::now();
  expect_equal(client.eval("6 * 7"), 42);
  return milliseconds_since(begin);
}

double p99(std::vector<double> ms) {
  std::ranges::sort(ms);
  return ms[ms.size() * 99 / 100];
}

} // namespace

std::string hostile_programs() { return build_folder() / "attack" / "bin"; }

Bystander::Bystander(const Daemon &daemon) : client_(connect(daemon)) {
  std::vector<double> idle_ms;
  for (int i = 0; i < idle_calls; ++i)
    idle_ms.push_back(timed_call(client_));
  idle_p99_ms_ = p99(idle_ms);
  thread_ = std::thread([this] { call_on(); });
}

Bystander::~Bystander() {
  stops_ = true;
  if (thread_.joinable())
    thread_.join();
}

void Bystander::call_on() {
  try {
    while (!stops_ || ms_.size() < fewest_calls) {
      ms_.push_back(timed_call(client_));
      std::this_thread::sleep_for(milliseconds(2));
    }
  } catch (const std::exception &error) {
    failure_ = error.what();
  }
}

void Bystander::expect_served(Where where) {
  stops_ = true;
  thread_.join();
  expect(failure_.empty(), "another client was not served: " + failure_, where);
  const double now_ms = p99(ms_);
  cr_log_info("another client: %zu calls, p99 %.2f ms, %.2f ms while nothing else happened%s",
              ms_.size(), now_ms, idle_p99_ms_,
              now_ms > 3 * idle_p99_ms_ ? " (more than three times)" : "");
  expect(now_ms < latest_ms, "another client had to wait", where);
}

Attack::Attack(std::vector<std::string> settings)
    : daemon_([&] {
        // One user attacks again and again: he is not refused unless the test is about that.
        if (std::ranges::none_of(settings, [](const std::string &setting) {
              return setting.starts_with("quarantine_faults=");
            }))
          settings.emplace_back("quarantine_faults=0");
        DaemonOptions options = for_all_users(std::move(settings));
        options.program_folder = hostile_programs();
        return std::optional<Daemon>(std::in_place, options);
      }()),
      client_(daemon_->connect()), bystander_(*daemon_) {
  client_.on_host_call = [this](uint32_t, const std::string &, const json &arguments) {
    pids_.push_back(arguments.at(0).get<pid_t>());
    processes_.emplace_back(static_cast<int>(::syscall(SYS_pidfd_open, pids_.back(), 0)));
    // On a busy machine its deadline may have passed before it was heard.
    expect(processes_.back() || errno == ESRCH, "an attacker is a process");
    return nullptr;
  };
}

uint32_t Attack::start(const std::string &body, const std::vector<json> &frames, json options) {
  options["globals"] = {{"frames", frames}};
  return client_.start("eval", {around(body), options});
}

Reply Attack::run(const std::string &body, const std::vector<json> &frames, const json &options) {
  return client_.wait(start(body, frames, options));
}

json Attack::error(const std::string &body, const std::vector<json> &frames, const json &options,
                   Where where) {
  const Reply reply = run(body, frames, options);
  expect(reply.failed(), "no error, but " + shown(reply), where);
  return reply.error();
}

json Attack::result(const std::string &body, const std::vector<json> &frames, const json &options,
                    Where where) {
  const Reply reply = run(body, frames, options);
  expect(!reply.failed(), shown(reply), where);
  return reply.result();
}

void Attack::expect_gone(Where where) {
  expect(!processes_.empty(), "nothing was attacked", where);
  for (size_t i = 0; i < processes_.size(); ++i)
    expect(!processes_[i] || wait_readable({processes_[i].get()}, ends_within) == 0,
           "process " + number(pids_[i]) + " lives on", where);
}

void Attack::expect_over(Where where) {
  expect_gone(where);
  bystander_.expect_served(where);
}

json frame_of(uint16_t type, std::string_view body, uint16_t descriptors) {
  const FrameHeader header{static_cast<uint32_t>(body.size()), type, descriptors, 0};
  std::vector<uint8_t> bytes(sizeof header);
  std::memcpy(bytes.data(), &header, sizeof header);
  bytes.insert(bytes.end(), body.begin(), body.end());
  return json::binary(std::move(bytes));
}

json head_of(uint16_t type, uint32_t body_bytes) {
  json frame = frame_of(type, "");
  std::memcpy(frame.get_binary().data(), &body_bytes, sizeof body_bytes);
  return frame;
}

} // namespace lethe::test
