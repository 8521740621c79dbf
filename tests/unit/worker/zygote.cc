// SPDX-License-Identifier: Apache-2.0
// The real lethe-zygote, spoken to as the master does.
#include "ipc/channel.h"
#include "ipc/message_pack.h"
#include "ipc/worker_page.h"
#include "ipc/zygote_settings.h"
#include "snapshot/builder.h"
#include "tests/harness/scratch_folder.h"

#include <algorithm>
#include <criterion/criterion.h>
#include <csignal>
#include <filesystem>
#include <functional>
#include <optional>
#include <poll.h>
#include <string>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <vector>

using namespace lethe;

namespace {

constexpr uint32_t most_bytes = 1 << 24;

struct Message {
  MessageType type;
  uint32_t sequence;
  std::string body;
};

// The next message, or nothing at the end of the stream. Fails the test after ten seconds.
std::optional<Message> next_message(Channel &channel, PeerState state) {
  for (;;) {
    Frame frame;
    const Channel::Status status = channel.next(frame, state);
    if (status == Channel::Status::ok)
      return Message{frame.type, frame.sequence, std::string(frame.body)};
    cr_assert_eq(status, Channel::Status::again);
    pollfd poll_for{channel.descriptor(), POLLIN, 0};
    cr_assert_eq(poll(&poll_for, 1, 10000), 1, "no message within ten seconds");
    if (channel.receive() == Channel::Status::closed)
      return std::nullopt;
  }
}

std::optional<Message> next_message(Channel &worker) {
  return next_message(worker, PeerState::running);
}

std::string result_of(const std::optional<Message> &message) {
  cr_assert(message && message->type == MessageType::done);
  return std::string(read_message<message::Done>(message->body)->result);
}

struct Worker {
  pid_t pid;
  FileDescriptor pidfd;
  Channel channel;
  WorkerPage *page;

  void eval(uint32_t sequence, std::string_view source, uint32_t flags = 0, int cpu_ms = 0) {
    channel.add(sequence, message::Run{.kind = RunKind::eval,
                                       .text = source,
                                       .flags = flags,
                                       .cpu_ms = cpu_ms,
                                       .arguments = packed_nil});
    cr_assert_eq(channel.flush(), Channel::Status::ok);
  }
  void interrupt(uint32_t sequence) {
    siginfo_t info{};
    info.si_signo = interrupt_signal;
    info.si_code = SI_QUEUE;
    info.si_pid = getpid();
    info.si_uid = getuid();
    info.si_value.sival_int = static_cast<int>(sequence);
    syscall(SYS_pidfd_send_signal, pidfd.get(), interrupt_signal, &info, 0);
  }
  // A signal that comes before the request has begun does nothing.
  // Until it has taken so much CPU time: how busy the machine is does not matter.
  void let_compute(int milliseconds) const {
    clockid_t clock{};
    cr_assert_eq(clock_getcpuclockid(pid, &clock), 0);
    const auto used_ms = [clock] {
      timespec used{};
      clock_gettime(clock, &used);
      return used.tv_sec * 1000 + used.tv_nsec / 1'000'000;
    };
    for (const auto begin_ms = used_ms(); used_ms() < begin_ms + milliseconds;)
      usleep(1000);
  }
  void interrupt_until_it_answers(uint32_t sequence) {
    pollfd poll_for{channel.descriptor(), POLLIN, 0};
    do
      interrupt(sequence);
    while (poll(&poll_for, 1, 10) == 0);
  }
};

// Whatever it does not name is 0 or empty: told all the same.
ZygoteSettings settings_for_test(const std::string &cache_dir) {
  ZygoteSettings settings;
  settings.pool = "default";
  settings.cache_dir = cache_dir;
  settings.memory_mb = 64;
  settings.max_message_bytes = 1 << 20;
  settings.max_depth = 64;
  settings.load_deadline_ms = 60'000;
  settings.isolation = Isolation::reuse;
  return settings;
}

// Forks; in the child `prepare` is called before the program.
pid_t start_program(std::vector<std::string> arguments, const std::function<void()> &prepare) {
  const auto program = std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path() /
                       "bin/lethe-zygote";
  arguments.insert(arguments.begin(), {"lethe-zygote", "--control", "3"});
  std::vector<char *> words;
  for (std::string &word : arguments)
    words.push_back(word.data());
  words.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid == 0) {
    prepare();
    execv(program.c_str(), words.data());
    _exit(127);
  }
  return pid;
}

class Zygote {
public:
  Zygote() {
    auto built = build_snapshot({}, {});
    const Digest key = snapshot_key({});
    cr_assert(built &&
              write_snapshot(snapshot_path(cache_.path(), key), key, built->about, built->blob));
    start();
    const auto confined = next_message(*control, PeerState::loading);
    cr_assert(confined->type == MessageType::confinement &&
              confined->body.find("seccomp") != confined->body.npos);
    cr_assert_eq(next_message(*control, PeerState::loading)->type, MessageType::ready);
  }
  ~Zygote() {
    control.reset();
    waitpid(pid, nullptr, 0);
  }

  Worker fork(uint32_t id) {
    control->add(id, message::Fork{.id = id, .debugs = false});
    control->flush();
    const auto answer = next_message(*control, PeerState::ready);
    cr_assert_eq(answer->type, MessageType::worker_forked);
    const auto forked = read_message<message::WorkerForked>(answer->body);
    cr_assert(forked && forked->id == id);
    FileDescriptor pidfd = control->take_descriptor(), socket = control->take_descriptor();
    const FileDescriptor file = control->take_descriptor();
    void *page =
        mmap(nullptr, sizeof(WorkerPage), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
    cr_assert_neq(page, MAP_FAILED);
    cr_assert_lt(ftruncate(file.get(), 0), 0, "the page's size is sealed");
    return {forked->pid, std::move(pidfd),
            Channel(std::move(socket), Party::worker, Channel::Carries::frames, most_bytes),
            static_cast<WorkerPage *>(page)};
  }

  // Its child has loaded that. Ends with what it holds here.
  struct Child {
    std::string ready; // its body
    Channel channel;
    FileDescriptor pidfd;
  };
  Child grow(const message::Grow &wanted) {
    auto pair = make_socket_pair();
    const int childs_end[] = {pair->ends[1].get()};
    control->send(0, wanted, childs_end);
    pair->ends[1].reset();
    Child child{
        {},
        Channel(std::move(pair->ends[0]), Party::zygote, Channel::Carries::descriptors, most_bytes),
        {}};
    cr_assert_eq(next_message(*control, PeerState::ready)->type, MessageType::zygote_forked);
    child.pidfd = control->take_descriptor();
    for (;;) {
      const auto message = next_message(child.channel, PeerState::loading);
      cr_assert(message && message->type != MessageType::load_failed);
      if (message->type == MessageType::ready) {
        child.ready = message->body;
        return child;
      }
    }
  }

  std::optional<Channel> control;
  pid_t pid = -1;

private:
  void start() {
    auto pair = make_socket_pair();
    pid = start_program(zygote_arguments(settings_for_test(cache_.path())), [&pair] {
      dup2(pair->ends[1].get(), 3);
      setenv("GLIBC_TUNABLES", "glibc.pthread.rseq=0", 1);
    });
    control.emplace(std::move(pair->ends[0]), Party::zygote, Channel::Carries::descriptors,
                    most_bytes);
  }

  test::ScratchFolder cache_;
};

bool says(const Message &message, std::string_view text) {
  return message.body.find(text) != std::string::npos;
}

} // namespace

Test(zygote, each_of_its_settings_must_be_given_as_what_it_is) {
  const auto arguments = zygote_arguments(settings_for_test("/nonexistent"));
  const auto status_with = [](const std::vector<std::string> &words) {
    int status = -1;
    waitpid(start_program(words, [] { close(STDERR_FILENO); }), &status, 0);
    return WEXITSTATUS(status);
  };
  cr_assert_eq(status_with(arguments), exit_stale_snapshot, "all is there but a snapshot");
  for (size_t i = 0; i < arguments.size(); i += 2) {
    auto fewer = arguments;
    fewer.erase(fewer.begin() + static_cast<ptrdiff_t>(i),
                fewer.begin() + static_cast<ptrdiff_t>(i) + 2);
    cr_assert_gt(status_with(fewer), exit_stale_snapshot, "%s", arguments[i].c_str());
  }
  for (const char *name : {"--memory-mb", "--isolation", "--rewind-scan", "--rewind-verify"}) {
    auto wrong = arguments;
    *(std::find(wrong.begin(), wrong.end(), name) + 1) = "none";
    cr_assert_gt(status_with(wrong), exit_stale_snapshot, "%s", name);
  }
}

Test(zygote, its_workers_answer_in_order) {
  Zygote zygote;
  Worker worker = zygote.fork(1);
  worker.eval(1, "1 + 1");
  worker.eval(2, "2 + 2");
  const auto first = next_message(worker.channel), second = next_message(worker.channel);
  cr_expect_eq(result_of(first), "\x02");
  cr_expect_eq(second->sequence, 2);
  cr_expect_eq(result_of(second), "\x04");
}

Test(zygote, a_request_that_was_taken_back_is_not_run) {
  Zygote zygote;
  Worker worker = zygote.fork(1);
  worker.page->revoke(1);
  worker.eval(1, "1");
  worker.eval(2, "2");
  cr_expect_eq(next_message(worker.channel)->sequence, 2);
}

Test(zygote, an_interrupt_takes_the_stack) {
  Zygote zygote;
  Worker worker = zygote.fork(1);
  worker.eval(1, "function spin() { for (;;) ; } spin()");
  worker.let_compute(50); // before, it may not be in the function yet
  worker.interrupt_until_it_answers(1);
  const auto message = next_message(worker.channel);
  cr_expect_eq(message->type, MessageType::failed);
  cr_expect(says(*message, "deadline_exceeded"));
  cr_expect(says(*message, "at spin (eval:1:"));
}

Test(zygote, an_interrupt_for_another_request_is_ignored) {
  Zygote zygote;
  Worker worker = zygote.fork(1);
  worker.eval(1, "const end = Date.now() + 200; while (Date.now() < end) ; 1");
  for (int i = 0; i < 10; ++i) {
    worker.interrupt(2);
    usleep(1000);
  }
  cr_expect_eq(next_message(worker.channel)->type, MessageType::done);
}

Test(zygote, waiting_for_a_timer_is_interrupted) {
  Zygote zygote;
  Worker worker = zygote.fork(1);
  worker.eval(1, "new Promise((done) => { setTimeout(done, 60000); })");
  worker.interrupt_until_it_answers(1);
  cr_expect(says(*next_message(worker.channel), "deadline_exceeded"));
}

Test(zygote, the_cpu_limit_ends_a_script) {
  Zygote zygote;
  Worker worker = zygote.fork(1);
  worker.eval(1, "for (;;) ;", 0, 20);
  const auto message = next_message(worker.channel);
  cr_expect(says(*message, "deadline_exceeded"));
  cr_expect(says(*message, "cpu"));
}

Test(zygote, the_cpu_limit_ends_what_cannot_be_interrupted) {
  Zygote zygote;
  Worker worker = zygote.fork(1);
  worker.eval(1, "let x = 3n; for (let i = 0; i < 30; ++i) x *= x; 1", 0, 20);
  cr_expect(!next_message(worker.channel));
  cr_expect_eq(worker.page->death_reason.load(), DeathReason::cpu_limit);
}

Test(zygote, exits_are_reported) {
  Zygote zygote;
  Worker worker = zygote.fork(1);
  worker.eval(1, "1", run_once);
  cr_expect_eq(result_of(next_message(worker.channel)), "\x01");
  cr_expect(!next_message(worker.channel));
  const auto exited = next_message(*zygote.control, PeerState::ready);
  cr_expect_eq(exited->type, MessageType::exited);
  const auto read = read_message<message::Exited>(exited->body);
  cr_assert(read);
  cr_expect_eq(read->pid, worker.pid);
  cr_expect_eq(read->wait_status, 0);
}

Test(zygote, a_worker_holds_nothing_but_its_socket_and_its_own_statistics) {
  Zygote zygote;
  Worker one = zygote.fork(1), two = zygote.fork(2);
  two.eval(1, "1");
  next_message(two.channel);
  int sockets = 0;
  const std::string folder = "/proc/" + std::to_string(two.pid);
  for (const auto &entry : std::filesystem::directory_iterator(folder + "/fd")) {
    if (std::stoi(entry.path().filename()) <= 2)
      continue;
    const std::string target = std::filesystem::read_symlink(entry.path());
    const bool is_socket = target.starts_with("socket:");
    sockets += is_socket;
    cr_expect(is_socket || target.starts_with(folder + "/"), "%s", target.c_str());
  }
  cr_expect_eq(sockets, 1);
}

Test(zygote, a_forbidden_system_call_is_named_and_ends_the_worker) {
  setenv("LETHE_FAULT", "sandbox", 1);
  Zygote zygote;
  Worker worker = zygote.fork(1);
  worker.eval(1, "1");
  cr_expect(!next_message(worker.channel));
  cr_expect_eq(worker.page->death_reason.load(), DeathReason::sandbox_violation);
  cr_expect_eq(worker.page->death_detail.load(), static_cast<uint32_t>(SYS_socket));
}

Test(zygote, a_dead_master_takes_all_with_it_even_endless_loops) {
  Zygote zygote;
  FileDescriptor pidfd;
  {
    Worker worker = zygote.fork(1);
    worker.eval(1, "for (;;) ;");
    while (WorkerPage::claimed_part(worker.page->lease.load()) == 0)
      ;
    pidfd = std::move(worker.pidfd);
  }
  zygote.control.reset();
  pollfd poll_for{pidfd.get(), POLLIN, 0};
  cr_expect_eq(poll(&poll_for, 1, 5000), 1, "the worker ends");
}

// In the sandbox, as the forks that try them are.
Test(zygote, a_child_is_warmed_up_with_the_pure_ones_of_requests_calls, .timeout = 60) {
  Zygote zygote;
  const char *source = "let n = 0; function count() { return ++n; }"
                       "function twice(x) { return 2 * x; }"
                       "function end() { for (;;) ; }";
  message::ScriptToLoad script{.name = "s", .version = 1, .source = source};
  script.learned = {{"count", "\x90"},     {"twice", "\x91\x01"}, {"end", "\x90"},
                    {"twice", "\x91\x02"}, {"twice", "\x91\x01"}, {"none", "\x90"}};
  message::Grow grow{.generation = 1, .strict = true};
  grow.load.push_back(script);
  const Zygote::Child child = zygote.grow(grow);
  const auto ready = read_message<message::Ready>(child.ready);
  cr_assert(ready && ready->scripts.size() == 1 && ready->scripts[0].warmed_up);
  const message::WarmedUp &reached = *ready->scripts[0].warmed_up;
  cr_expect_eq(reached.learned, 2);
  cr_expect_gt(reached.rounds, 1);
  cr_expect(reached.changed.empty() && reached.unknown.empty());
}
