// SPDX-License-Identifier: Apache-2.0
// The dispatcher, with workers and clients that the test plays: who gets a request, and that each
// is answered once.
#include "daemon/master/dispatch/dispatcher.h"
#include "daemon/master/dispatch/client.h"
#include "daemon/master/operation/log.h"

#include <algorithm>
#include <criterion/criterion.h>
#include <csignal>
#include <deque>
#include <fcntl.h>
#include <map>
#include <set>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace lethe;
using namespace std::string_view_literals;

namespace {

// A worker's far end: its socket and page, and a process that can be killed.
class PlayedWorker {
public:
  PlayedWorker(Environment &environment, Dispatcher &dispatcher, uint32_t id) {
    SocketPair pair = std::move(*make_socket_pair());
    channel_.emplace(std::move(pair.ends[1]), Party::master, Channel::Carries::frames, 1 << 20);
    fcntl(channel_->descriptor(), F_SETFL, O_NONBLOCK);
    const FileDescriptor memory(memfd_create("page", MFD_ALLOW_SEALING));
    cr_assert_eq(ftruncate(memory.get(), sysconf(_SC_PAGESIZE)), 0);
    cr_assert_eq(fcntl(memory.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
    page_ = static_cast<WorkerPage *>(mmap(nullptr, static_cast<size_t>(sysconf(_SC_PAGESIZE)),
                                           PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0));
    signal(SIGUSR2, [](int) { // before the child is there, which the signal must not find without
      for (;;) {
      }
    });
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL); // a test that fails leaves nobody behind
      close_range(3, ~0u, 0);           // the test alone holds its socket
      for (;;)
        pause();
    }
    FileDescriptor pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
    master = std::make_unique<WorkerProcess>(
        environment, dispatcher,
        WorkerProcess::Parts{id, 1, ChildProcess(environment.processes, pid_, std::move(pidfd)),
                             std::move(pair.ends[0]), std::move(*SharedPage::map(memory))});
  }
  ~PlayedWorker() {
    if (pid_ > 0)
      end();
  }

  // The next request that was sent to it, claimed; 0: none, or it was taken back.
  uint32_t claim() {
    Frame frame;
    Channel::Status status = channel_->next(frame, PeerState::idle);
    if (status == Channel::Status::again && channel_->receive() == Channel::Status::ok)
      status = channel_->next(frame, PeerState::idle);
    return status == Channel::Status::ok && page_->claim(frame.sequence) ? frame.sequence : 0;
  }
  void take_what_is_there() {
    Frame frame;
    while (channel_->receive() == Channel::Status::ok)
      while (channel_->next(frame, PeerState::running) == Channel::Status::ok) {
      }
  }
  void answer(uint32_t sequence) { say(MessageType::done, sequence, "\x92\x00\x2a"sv); }
  void answer_compiled(uint32_t sequence) { say(MessageType::done, sequence, "\x92\x01\x2a"sv); }
  void say(MessageType type, uint32_t sequence, std::string_view body) {
    channel_->add(type, sequence, body);
    channel_->flush();
  }
  void send(std::string_view bytes) const { // as they are
    cr_assert_eq(::send(channel_->descriptor(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
                 static_cast<ssize_t>(bytes.size()));
  }
  void lie(uint32_t claimed) { page_->lease = uint64_t{claimed} << 32; }
  // Does the process end by this signal?
  bool gets(int signal) {
    int status = 0;
    const bool got =
        waitpid(pid_, &status, 0) == pid_ && WIFSIGNALED(status) && WTERMSIG(status) == signal;
    pid_ = -1;
    return got;
  }
  int end() {
    kill(pid_, SIGKILL);
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return status;
  }
  void hang_up() { channel_.reset(); }
  void shut_down(int how) { shutdown(channel_->descriptor(), how); }
  WorkerPage &page() { return *page_; }
  void compute() { kill(pid_, SIGUSR2); } // from now on

  std::unique_ptr<WorkerProcess> master; // what the dispatcher has of it

private:
  std::optional<Channel> channel_;
  WorkerPage *page_;
  pid_t pid_;
};

class PlayedClient final : public Client {
public:
  explicit PlayedClient(const AccountPointer &account) : account_(account) {}
  void list(Request &request) {
    request.client = this;
    request.held.move_to(account_);
    request.count_bytes();
    requests_.insert(&request);
  }
  void go_away() {
    while (!requests_.empty())
      (*requests_.begin())->dispatcher->cancel(**requests_.begin(), false);
  }

  const AccountPointer &account() const override { return account_; }
  Lane &lane(size_t number, FairQueue &) override { return lanes_[number]; }
  void forget(Request &request) override {
    cr_assert_eq(requests_.erase(&request), 1);
    request.client = nullptr;
  }
  void forget_host_calls(Request &) override { open_host_calls = 0; }
  void send_result(Request &request, std::string_view) override { take(request, "result"); }
  void send_error(Request &request, const Error &error) override {
    take(request, error_name(error.code));
  }
  void send_raw_error(Request &request, std::string_view) override { take(request, "failed"); }
  void send_console(const Request &, std::string_view, std::string_view text) override {
    ++consoles;
    console_bytes += text.size();
  }
  void send_stats(const Request &, const RunStats &) override { ++figures; }
  bool send_debug_output(const Request &, std::optional<std::string_view>) override { return true; }
  bool awaits_room() const override { return false; }
  void send_host_call(Request &, const message::HostCall &) override { ++open_host_calls; }
  void worker_has_room(Request &) override { ++rooms; }

  std::map<uint32_t, std::string> replies; // by msgid: the error's code, or "result"
  int open_host_calls = 0;                 // whose answers would still go to a worker
  int consoles = 0, figures = 0, rooms = 0;
  size_t console_bytes = 0;

private:
  void take(Request &request, std::string_view reply) {
    cr_assert(replies.emplace(request.msgid, reply).second, "two replies to %u", request.msgid);
    forget(request);
  }

  AccountPointer account_;
  std::map<size_t, Lane> lanes_;
  std::set<Request *> requests_;
};

// Time goes on only while a test waits, and never by a leap, however busy this machine is.
class StageClock final : public Clock {
public:
  int64_t now_us() const override { return time_us_; }
  void tick() { time_us_ += 200; }
  void leap(int64_t time_us) { time_us_ += time_us; } // while nothing goes on

private:
  int64_t time_us_ = 1'000'000;
};

class Stage : public DispatcherOwner {
public:
  explicit Stage(const char *isolation = "reuse", size_t workers = 2) {
    settings.isolation = named<Isolation>(isolation).value();
    settings.workers = static_cast<int64_t>(workers);
    dispatcher.emplace(environment, *this, 0, "default", settings);
    dispatcher->use_generation(1, true);
  }
  ~Stage() {
    environment.phase.move_to(Phase::State::stopping); // workers may still hold something
    for (PlayedClient &client : clients)
      client.go_away();
    environment.loop.run_round(false);
    environment.loop.run_round(false);
  }

  PlayedWorker &add_worker() {
    workers_.push_back(std::make_unique<PlayedWorker>(environment, *dispatcher,
                                                      static_cast<uint32_t>(workers_.size() + 1)));
    dispatcher->add(*workers_.back()->master);
    return *workers_.back();
  }
  Request &submit(uint32_t msgid, int64_t deadline_ms = 10'000, size_t client = 0) {
    while (clients.size() <= client)
      clients.emplace_back(environment.accounts.of(1000));
    Request &request = environment.requests.take();
    request.msgid = msgid;
    request.dispatcher = &*dispatcher;
    request.isolation = settings.isolation;
    request.once = request.isolation == Isolation::process;
    request.received_us = environment.loop.now_us();
    request.deadline_us = request.received_us + deadline_ms * 1000;
    request.idempotent = idempotent;
    request.wants_console = request.wants_stats = chatty;
    request.body.append("\x90");
    if (history)
      request.histories.push_back(history);
    clients[client].list(request);
    dispatcher->submit(request);
    return request;
  }
  // The number of a client of this user.
  size_t add_client(uid_t user) {
    clients.emplace_back(environment.accounts.of(user));
    return clients.size() - 1;
  }
  // A request that the worker has begun.
  Request &start(PlayedWorker &worker, int64_t deadline_ms = 10'000) {
    Request &request = submit(1, deadline_ms);
    round();
    cr_assert_eq(worker.claim(), 1);
    return request;
  }
  void round() { environment.loop.run_round(false); }
  void pass(int64_t time_us) {
    clock.leap(time_us);
    round();
  }
  // What others do, as ending, takes its time: the stage's clock is not faster than the real one.
  void run_until(const std::function<bool()> &condition) {
    for (int rounds = 0; !condition(); ++rounds) {
      cr_assert(rounds < 50'000, "not within 10 s");
      usleep(200);
      clock.tick();
      round();
    }
  }
  // The worker is killed meanwhile, and its parent says so; then nothing is left.
  void expect_killed(PlayedWorker &worker) {
    run_until([&] { return worker.master->has_ended(); });
    cr_assert(worker.gets(SIGKILL));
    tell_end(worker, SIGKILL);
    run_until([&] { return dispatcher->in_progress() == 0; });
  }
  // Its parent says how it ended; one that held nothing is known no more.
  void tell_end(PlayedWorker &worker, int status) {
    if (!worker.master->is(WorkerProcess::State::gone))
      dispatcher->worker_ended(*worker.master, status);
  }
  void wait_for_replies(size_t count, size_t client = 0) {
    round();
    run_until([&] { return replies(client).size() >= count; });
    cr_assert_eq(replies(client).size(), count, "%zu replies", replies(client).size());
  }
  const std::map<uint32_t, std::string> &replies(size_t client = 0) const {
    return clients[client].replies;
  }
  // So that the dispatcher knows it as a worker with short requests.
  void warm_up(PlayedWorker &worker) {
    for (uint32_t msgid = 1000; msgid < 1003; ++msgid) {
      submit(msgid);
      round();
      worker.answer(worker.claim());
      round();
    }
    wait_for_replies(3);
    clients[0].replies.clear();
    cr_assert(worker.master->takes_more());
  }

  void worker_left(WorkerProcess &) override { ++left; }
  void worker_gone(WorkerProcess &) override { ++gone; }
  void fresh_worker_wanted() override { ++wanted; }
  void all_is_done() override {}
  void compiled_in(const Request &request) override { learned += request.body.view(); }

  StageClock clock;
  LinuxKernel kernel;
  Environment environment{clock, kernel};
  PoolSettings settings;
  std::optional<Dispatcher> dispatcher;
  std::deque<PlayedClient> clients;
  int left = 0, gone = 0, wanted = 0;
  bool idempotent = false, chatty = false;
  std::string learned;       // bodies of requests in which something was compiled
  RunHistoryPointer history; // of what is submitted next

private:
  std::vector<std::unique_ptr<PlayedWorker>> workers_;
};

} // namespace

Test(dispatcher, the_most_recently_used_idle_worker_is_first) {
  Stage stage;
  PlayedWorker &first = stage.add_worker(), &second = stage.add_worker();
  stage.submit(1);
  stage.submit(2);
  stage.round();
  const uint32_t of_second = second.claim(), of_first = first.claim();
  cr_assert(of_first && of_second);
  second.answer(of_second);
  stage.round();
  first.answer(of_first);
  stage.wait_for_replies(2);
  for (uint32_t msgid = 3; msgid < 6; ++msgid) {
    stage.submit(msgid);
    stage.round();
    const uint32_t sequence = first.claim();
    cr_assert(sequence, "the other worker got it");
    first.answer(sequence);
    stage.wait_for_replies(msgid);
  }
}

namespace {

constexpr uint32_t light = 40, heavy = 400; // pages that a request changes

// Runs a request of this script, and says which worker had it. That counts what it has changed.
PlayedWorker &run(Stage &stage, const RunHistoryPointer &script, uint32_t pages,
                  std::initializer_list<PlayedWorker *> workers) {
  static uint32_t msgid = 0;
  stage.history = script;
  stage.submit(++msgid);
  stage.round();
  for (PlayedWorker *worker : workers)
    if (const uint32_t sequence = worker->claim()) {
      worker->page().hot_pages = std::max(worker->page().hot_pages.load(), pages);
      worker->page().note_counted(pages);
      worker->answer(sequence);
      stage.wait_for_replies(msgid);
      return *worker;
    }
  cr_assert(false, "no worker got it");
  abort();
}

} // namespace

Test(dispatcher, a_light_script_does_not_share_a_worker_with_heavy_ones) {
  Stage stage("rewind", 3);
  PlayedWorker &one = stage.add_worker(), &two = stage.add_worker(), &three = stage.add_worker();
  for (PlayedWorker *worker : {&one, &two, &three})
    worker->page().ready = true;
  const auto run_here = [&](const RunHistoryPointer &script, uint32_t pages) -> PlayedWorker & {
    return run(stage, script, pages, {&one, &two, &three});
  };
  const auto tiny = RunHistory::of_script("tiny", 1);
  PlayedWorker &of_tiny = run_here(tiny, light);
  std::vector<RunHistoryPointer> libraries;
  for (int i = 0; i < 10; ++i)
    libraries.push_back(RunHistory::of_script("library", i));
  for (int turn = 0; turn < 3; ++turn)
    for (const auto &library : libraries) {
      cr_expect_neq(&run_here(library, heavy), &of_tiny);
      cr_expect_eq(&run_here(tiny, light), &of_tiny);
    }
  cr_expect_eq(tiny->changed_pages(), light);
  cr_expect_eq(libraries[0]->changed_pages(), heavy);
}

Test(dispatcher, a_heavy_script_comes_back_to_the_worker_that_knows_it) {
  Stage stage("rewind", 2);
  PlayedWorker &one = stage.add_worker(), &two = stage.add_worker();
  one.page().ready = two.page().ready = true;
  const auto first = RunHistory::of_script("first", 1), second = RunHistory::of_script("second", 1);
  PlayedWorker &of_first = run(stage, first, heavy, {&one, &two});
  PlayedWorker &of_second = run(stage, second, heavy, {&one, &two});
  cr_expect_neq(&of_first, &of_second);
  for (int turn = 0; turn < 5; ++turn) {
    cr_expect_eq(&run(stage, first, heavy, {&one, &two}), &of_first);
    cr_expect_eq(&run(stage, second, heavy, {&one, &two}), &of_second);
  }
}

// To wake another one takes longer than to copy a few pages more.
Test(dispatcher, light_scripts_share_the_worker_that_is_awake) {
  Stage stage("rewind", 2);
  PlayedWorker &one = stage.add_worker(), &two = stage.add_worker();
  const auto first = RunHistory::of_script("first", 1), second = RunHistory::of_script("second", 1);
  PlayedWorker &awake = run(stage, first, light, {&one, &two});
  run(stage, second, light, {&one, &two});
  run(stage, second, light, {&one, &two});
  for (int turn = 0; turn < 5; ++turn) {
    cr_expect_eq(&run(stage, first, light, {&one, &two}), &awake);
    cr_expect_eq(&run(stage, second, light, {&one, &two}), &awake);
  }
}

// What a worker tells of pages may be any number.
Test(dispatcher, a_worker_that_lies_about_pages_gets_requests_all_the_same) {
  Stage stage("rewind", 2);
  PlayedWorker &one = stage.add_worker(), &two = stage.add_worker();
  const auto script = RunHistory::of_script("s", 1);
  for (const uint32_t pages : {UINT32_MAX, 0U, UINT32_MAX, 1U})
    run(stage, script, pages, {&one, &two});
  cr_expect_leq(script->changed_pages(), 4096);
}

Test(dispatcher, requests_wait_for_a_worker_and_clients_take_turns) {
  Stage stage("reuse", 1);
  PlayedWorker &worker = stage.add_worker();
  stage.submit(1);
  stage.submit(2);
  stage.submit(3);
  stage.submit(1, 10'000, 1);
  cr_assert_eq(stage.dispatcher->queued(), 3);
  for (size_t answered = 1; answered <= 3; ++answered) {
    stage.round();
    worker.answer(worker.claim());
    stage.round();
  }
  stage.wait_for_replies(2, 0);
  stage.wait_for_replies(1, 1);
  cr_assert_eq(stage.replies(0).count(3), 0, "the second client had to wait for all of the first");
}

Test(dispatcher, short_requests_are_sent_ahead_and_taken_back_behind_a_long_one) {
  Stage stage("reuse", 2);
  PlayedWorker &busy = stage.add_worker();
  stage.warm_up(busy);
  for (uint32_t msgid = 1; msgid <= 4; ++msgid)
    stage.submit(msgid);
  cr_assert_eq(busy.master->sent().size(), 4);
  stage.round();
  cr_assert(busy.claim()); // and runs long
  PlayedWorker &other = stage.add_worker();
  stage.run_until([&] { return stage.dispatcher->running() == 2; }); // a millisecond later
  cr_assert_eq(busy.master->sent().size(), 1);
  for (size_t answered = 1; answered <= 3; ++answered) {
    stage.round();
    other.answer(other.claim());
    stage.wait_for_replies(answered);
  }
  cr_assert_eq(busy.claim(), 0, "what was taken back must not be run");
  cr_assert_eq(stage.environment.counters.revoked, 3);
}

Test(dispatcher, after_a_workers_death_only_what_was_not_started_runs_again) {
  Stage stage("reuse", 2);
  PlayedWorker &dying = stage.add_worker();
  stage.warm_up(dying);
  for (uint32_t msgid = 1; msgid <= 3; ++msgid)
    stage.submit(msgid);
  stage.round();
  cr_assert(dying.claim());
  dying.hang_up();
  const int status = dying.end();
  stage.round();
  stage.dispatcher->worker_ended(*dying.master, status);
  stage.wait_for_replies(1);
  cr_assert_eq(stage.replies().at(1), "worker_crashed");
  cr_assert_eq(stage.gone, 1);
  PlayedWorker &next = stage.add_worker();
  for (size_t answered = 2; answered <= 3; ++answered) {
    stage.round();
    next.answer(next.claim());
    stage.round();
  }
  stage.wait_for_replies(3);
  cr_assert_eq(stage.replies().at(2), "result");
}

Test(dispatcher, an_idempotent_request_runs_once_more_after_a_kill_from_outside) {
  Stage stage("reuse", 1);
  stage.idempotent = true;
  stage.submit(1);
  for (int kills = 0; kills < 2; ++kills) {
    PlayedWorker &worker = stage.add_worker();
    stage.round();
    cr_assert(worker.claim());
    worker.hang_up();
    const int status = worker.end();
    stage.round();
    stage.dispatcher->worker_ended(*worker.master, status);
  }
  stage.wait_for_replies(1);
  cr_assert_eq(stage.replies().at(1), "worker_crashed");
  cr_assert_eq(stage.environment.counters.retried, 1);
}

Test(dispatcher, the_page_tells_why_a_worker_died) {
  const std::pair<DeathReason, const char *> reasons[] = {
      {DeathReason::memory_limit, "memory_limit"},
      {DeathReason::cpu_limit, "deadline_exceeded"},
      {DeathReason::sandbox_violation, "sandbox_violation"}};
  for (const auto &[reason, code] : reasons) {
    Stage stage;
    PlayedWorker &worker = stage.add_worker();
    stage.start(worker);
    worker.page().death_reason = reason;
    worker.hang_up();
    worker.end(); // its status is not told: it is not needed
    stage.wait_for_replies(1);
    cr_assert_eq(stage.replies().at(1), code);
  }
}

// Whoever broke into a worker does not keep it; and nobody waits while the next one is forked.
Test(dispatcher, a_worker_that_served_enough_goes_when_another_one_is_ready) {
  Stage stage("rewind", 1);
  stage.settings.recycle_requests = 2;
  PlayedWorker &worn = stage.add_worker();
  uint32_t msgid = 0;
  const auto serve = [&](PlayedWorker &worker) {
    stage.submit(++msgid);
    stage.round();
    worker.answer(worker.claim());
    stage.wait_for_replies(msgid);
  };
  serve(worn);
  cr_assert_eq(stage.wanted, 0);
  serve(worn);
  cr_assert_eq(stage.dispatcher->replacements_wanted(), 1);
  cr_assert_eq(stage.wanted, 1);
  PlayedWorker &next = stage.add_worker();
  serve(worn); // the other one is not ready
  cr_assert_eq(stage.left, 0);
  next.page().ready = true;
  serve(worn);
  cr_assert_eq(stage.left, 1);
  cr_assert_eq(stage.environment.counters.workers_recycled, 1);
  cr_assert_eq(stage.dispatcher->replacements_wanted(), 0);
  serve(next);
}

Test(dispatcher, a_worker_that_served_enough_goes_though_the_next_one_has_served_already) {
  Stage stage("rewind", 1);
  stage.settings.recycle_requests = 2;
  PlayedWorker &worn = stage.add_worker();
  const auto tiny = RunHistory::of_script("tiny", 1), library = RunHistory::of_script("library", 1);
  run(stage, library, heavy, {&worn});
  run(stage, library, heavy, {&worn});
  PlayedWorker &next = stage.add_worker();
  worn.page().ready = next.page().ready = true;
  cr_assert_eq(&run(stage, tiny, light, {&worn, &next}), &next);
  cr_assert_eq(&run(stage, library, heavy, {&worn, &next}), &worn);
  cr_assert_eq(stage.left, 1);
  cr_assert_eq(stage.environment.counters.workers_recycled, 1);
}

Test(dispatcher, old_workers_go_one_after_the_other_if_they_have_served) {
  Stage stage("rewind", 2);
  stage.settings.recycle_age_s = 60;
  PlayedWorker &first = stage.add_worker(), &second = stage.add_worker();
  for (PlayedWorker *worker : {&first, &second})
    worker->page().ready = true;
  stage.submit(1);
  stage.submit(2);
  stage.round();
  first.answer(first.claim());
  second.answer(second.claim());
  stage.wait_for_replies(2);
  stage.dispatcher->sweep();
  cr_assert_eq(stage.dispatcher->replacements_wanted(), 0);
  stage.pass(60'000'000);
  stage.dispatcher->sweep();
  cr_assert_eq(stage.dispatcher->replacements_wanted(), 1);
  for (int replaced = 1; replaced <= 2; ++replaced) {
    stage.add_worker().page().ready = true;
    stage.dispatcher->sweep();
    cr_assert_eq(stage.left, replaced);
    cr_assert_eq(stage.dispatcher->replacements_wanted(), 2 - replaced);
  }
  // Those that never ran anything stay.
  stage.pass(60'000'000);
  stage.dispatcher->sweep();
  cr_assert_eq(stage.dispatcher->replacements_wanted(), 0);
}

Test(dispatcher, a_worn_worker_is_sent_nothing_ahead) {
  Stage stage("rewind", 1);
  PlayedWorker &worn = stage.add_worker();
  stage.warm_up(worn);
  stage.settings.recycle_requests = 4;
  stage.submit(1);
  stage.submit(2);
  cr_assert_eq(worn.master->sent().size(), 2);
  stage.round();
  worn.answer(worn.claim());
  stage.wait_for_replies(1);
  stage.submit(3);
  cr_assert_eq(worn.master->sent().size(), 1, "it would never come to an end");
}

Test(dispatcher, a_worker_that_computes_with_nothing_to_do_is_killed) {
  Stage stage("rewind", 2);
  PlayedWorker &sound = stage.add_worker(), &broken = stage.add_worker();
  stage.submit(1);
  stage.submit(2);
  stage.round();
  sound.answer(sound.claim());
  broken.answer(broken.claim());
  stage.wait_for_replies(2);
  broken.compute();
  const auto look = [&] {
    usleep(50'000);
    stage.pass(1'000'000);
    stage.dispatcher->sweep();
  };
  look();
  look(); // it may rewind until then
  cr_assert_eq(stage.environment.counters.idle_cpu_kills, 0);
  for (int looks = 0; looks < 200 && stage.environment.counters.idle_cpu_kills == 0; ++looks)
    look();
  cr_assert_eq(stage.environment.counters.idle_cpu_kills, 1);
  cr_assert(broken.gets(SIGKILL));
  for (int looks = 0; looks < 5; ++looks)
    look();
  cr_assert_eq(stage.environment.counters.idle_cpu_kills, 1);
  cr_assert(sound.master->is(WorkerProcess::State::idle));
}

Test(dispatcher, what_a_worker_computes_for_a_request_is_not_held_against_it) {
  IdleClock clock;
  cr_assert_eq(clock.look(7, 1'000'000), 0);
  cr_assert_eq(clock.look(7, 1'400'000), 0); // it rewinds
  cr_assert_eq(clock.look(7, 1'410'000), 10'000);
  cr_assert_eq(clock.look(7, 1'415'000), 15'000); // in all
  cr_assert_eq(clock.look(8, 9'000'000), 0);      // it was sent another one in between
  cr_assert_eq(clock.look(8, 9'000'000), 0);
  cr_assert_eq(clock.look(8, -1), 0); // it is gone
  cr_assert_eq(clock.look(8, 9'999'999), 0);
}

Test(dispatcher, what_is_quarantined_is_refused_at_once_and_from_the_queue) {
  Stage stage("rewind", 1);
  PlayedWorker &worker = stage.add_worker();
  stage.history = RunHistory::of_script("s", 3);
  stage.submit(1);
  stage.submit(2);
  stage.round();
  const uint32_t first = worker.claim();
  cr_assert(stage.history->note_fault(stage.environment.loop.now_us(), {1, 60'000'000}));
  worker.answer(first);
  stage.wait_for_replies(2);
  cr_assert_eq(stage.replies().at(1), "result");
  cr_assert_eq(stage.replies().at(2), "quarantined");
  stage.submit(3);
  cr_assert_eq(stage.replies().at(3), "quarantined");
  cr_assert_eq(stage.dispatcher->in_progress(), 0);
  cr_assert_eq(stage.environment.counters.quarantined, 2);
  cr_assert(stage.history->release(stage.environment.loop.now_us()));
  stage.submit(4);
  stage.round();
  worker.answer(worker.claim());
  stage.wait_for_replies(4);
  cr_assert_eq(stage.replies().at(4), "result");
}

// Of a chain no step is run if one can't be.
Test(dispatcher, a_chain_with_a_quarantined_step_does_not_begin) {
  Stage stage("rewind", 1);
  PlayedWorker &worker = stage.add_worker();
  const RunHistoryPointer sound = RunHistory::of_script("a", 1);
  stage.history = RunHistory::of_script("b", 1);
  stage.history->note_fault(stage.environment.loop.now_us(), {1, 60'000'000});
  Request &request = stage.environment.requests.take();
  request.msgid = 7;
  request.dispatcher = &*stage.dispatcher;
  request.received_us = stage.environment.loop.now_us();
  request.deadline_us = request.received_us + 1'000'000;
  request.step = 0;
  request.histories = {sound, stage.history};
  request.later_steps.emplace_back("\x90");
  stage.add_client(1000);
  stage.clients[0].list(request);
  stage.dispatcher->submit(request);
  cr_assert_eq(stage.replies().at(7), "quarantined");
  cr_assert_eq(worker.claim(), 0);
}

Test(dispatcher, a_workers_end_is_laid_to_what_it_held_or_else_to_what_it_ran_last) {
  Stage stage("rewind", 1);
  PlayedWorker &worker = stage.add_worker();
  const auto first = stage.history = RunHistory::of_script("first", 1);
  stage.submit(1);
  stage.round();
  worker.answer(worker.claim());
  stage.wait_for_replies(1);
  cr_assert_eq(worker.master->ran_last, first);
  const auto second = stage.history = RunHistory::of_evals(1000);
  stage.submit(2);
  stage.round();
  cr_assert(worker.claim());
  worker.hang_up();
  const int status = worker.end();
  stage.round();
  stage.dispatcher->worker_ended(*worker.master, status);
  cr_assert_eq(worker.master->ran_last, second);
}

// The kernel ended it before it could tell.
Test(dispatcher, a_worker_that_the_filter_killed_has_violated_the_sandbox) {
  Stage stage;
  PlayedWorker &worker = stage.add_worker();
  stage.start(worker);
  worker.hang_up();
  worker.end();
  stage.round();
  stage.dispatcher->worker_ended(*worker.master, SIGSYS);
  stage.wait_for_replies(1);
  cr_assert_eq(stage.replies().at(1), "sandbox_violation");
}

Test(dispatcher, a_deadline_in_the_queue) {
  Stage stage("reuse", 1);
  stage.submit(1, 5);
  stage.wait_for_replies(1);
  cr_assert_eq(stage.replies().at(1), "deadline_exceeded");
  cr_assert_eq(stage.environment.counters.deadlines_queued, 1);
  cr_assert_eq(stage.dispatcher->in_progress(), 0);
}

Test(dispatcher, a_deadline_interrupts_first) {
  Stage stage;
  PlayedWorker &worker = stage.add_worker();
  stage.start(worker, 5);
  stage.run_until([&] { return stage.environment.counters.interrupts > 0; });
  cr_assert_eq(stage.left, 1, "it is replaced at once");
  cr_assert(worker.gets(interrupt_signal)); // the played one has no handler: it dies of it
}

Test(dispatcher, after_the_grace_time_a_worker_is_killed) {
  Stage stage;
  stage.environment.settings.grace_ms = 0;
  PlayedWorker &worker = stage.add_worker();
  kill(worker.master->pid(), SIGSTOP); // nothing but SIGKILL moves it
  int status = 0;                      // once it has stopped: else it might die of the interrupt
  waitpid(worker.master->pid(), &status, WUNTRACED);
  cr_assert(WIFSTOPPED(status));
  stage.start(worker, 5);
  stage.wait_for_replies(1);
  cr_assert_eq(stage.replies().at(1), "deadline_exceeded");
  cr_assert(worker.gets(SIGKILL));
}

Test(dispatcher, cancelling_what_was_not_started_harms_nobody) {
  Stage stage("reuse", 1);
  PlayedWorker &worker = stage.add_worker();
  stage.warm_up(worker);
  stage.submit(1);
  Request &second = stage.submit(2);
  stage.round();
  const uint32_t first = worker.claim();
  stage.dispatcher->cancel(second, true);
  cr_assert_eq(worker.claim(), 0);
  worker.answer(first);
  stage.wait_for_replies(2);
  cr_assert_eq(stage.replies().at(1), "result");
  cr_assert_eq(stage.replies().at(2), "cancelled");
  cr_assert_eq(stage.environment.counters.kills, 0);
}

Test(dispatcher, cancelling_what_runs_kills_its_worker) {
  Stage stage;
  PlayedWorker &worker = stage.add_worker();
  Request &request = stage.start(worker);
  stage.dispatcher->cancel(request, true);
  stage.wait_for_replies(1);
  cr_assert_eq(stage.replies().at(1), "cancelled");
  cr_assert_eq(stage.left, 1);
  cr_assert(worker.gets(SIGKILL));
}

Test(dispatcher, a_client_that_goes_takes_its_requests_with_it) {
  Stage stage("reuse", 1);
  PlayedWorker &worker = stage.add_worker();
  stage.submit(1);
  stage.submit(2);
  stage.round();
  cr_assert(worker.claim());
  stage.clients[0].go_away();
  cr_assert_eq(stage.dispatcher->queued(), 0);
  cr_assert(worker.gets(SIGKILL));
}

Test(dispatcher, under_process_isolation_no_worker_is_used_twice) {
  Stage stage("process", 4);
  PlayedWorker &only = stage.add_worker();
  stage.submit(1);
  stage.submit(2);
  stage.round();
  only.answer(only.claim());
  stage.wait_for_replies(1);
  stage.round();
  cr_assert_eq(only.claim(), 0);
  cr_assert_eq(stage.dispatcher->queued(), 1);
  cr_assert_eq(stage.left, 1);
  cr_assert(stage.wanted > 0);
}

Test(dispatcher, a_worker_that_breaks_the_protocol_is_killed) {
  const std::string host_call_with_a_long_name =
      "\x93\x01\xda\x01\x01" + std::string(257, 'x') + "\x90";
  const std::tuple<MessageType, uint32_t, std::string_view> lies[] = {
      {MessageType::done, 7, "\x92\x00\x2a"sv},     // a request that it does not have
      {MessageType::done, 1, "\x92\x00\x2a\x2a"sv}, // two values
      {MessageType::done, 1, "\x92\x00\x92\x01"sv}, // not a whole one
      {MessageType::done, 1, "\x92\xff\x2a"},       // compiled less than nothing
      {MessageType::failed, 1, "\x92\x00\x2a"sv},   // an error that is no map
      {MessageType::console, 1, "\x91\xa1x"},       // too few parts
      {MessageType::host_call, 1, "\x93\x01\xa1x\x01"},
      {MessageType::host_call, 1, "\x93\x01\x01\x90"},     // whose name is no text
      {MessageType::host_call, 1, "\x93\x01\xa1\xff\x90"}, // nor is that
      {MessageType::failed, 1, "\x92\x00\x80"sv},          // nor has it a code
      {MessageType::failed, 1,
       "\x92\x00\x82\xa4"
       "code\xa3huh\xa7message\xa1x"sv},
      {MessageType::failed, 1,
       "\x92\x00\x82\xa4"
       "code\xa8internal\xa7message\xa1\xff"sv}, // that is no text
      {MessageType::done, 1, "\x92\x00\x91\xa1\xff"sv},
      {MessageType::console, 1, "\x92\xa4loud\xa1x"}, // no such level
      {MessageType::host_call, 1, host_call_with_a_long_name},
      {MessageType::run_stats, 1, "\x90"},
      {MessageType::run_stats, 1, "\x94\x01\x02\x03\x04"}, // nobody asked for that
      {MessageType::ready, 1, "\x90"},                     // a zygote's word
      {MessageType::debug_output, 1, "\xa1x"},             // it does not debug
  };
  for (const auto &[type, sequence, body] : lies) {
    Stage stage;
    PlayedWorker &worker = stage.add_worker();
    stage.start(worker);
    worker.say(type, sequence, body);
    stage.round();
    cr_assert(worker.gets(SIGKILL));
    stage.dispatcher->worker_ended(*worker.master, SIGKILL);
    stage.wait_for_replies(1);
    cr_assert_eq(stage.replies().at(1), "internal");
  }
}

Test(dispatcher, after_a_break_of_the_protocol_nothing_more_is_heard) {
  Stage stage;
  PlayedWorker &worker = stage.add_worker();
  stage.start(worker);
  worker.say(MessageType::console, 1, "\x91\xa1x");
  worker.say(MessageType::console, 1, "\x91\xa1x");
  worker.answer(1);
  stage.expect_killed(worker);
  stage.wait_for_replies(1);
  cr_assert_eq(stage.replies().at(1), "internal");
  cr_assert_eq(stage.environment.counters.protocol_breaks, 1);
}

Test(dispatcher, half_an_answer_is_none) {
  const std::string frame("\x06\0\0\0\x30\0\0\0\x01\0\0\0\x92\0\xa3"
                          "abc",
                          18);
  for (const size_t bytes : {1u, 11u, 12u, 17u})
    for (const bool dies : {false, true}) {
      Stage stage;
      PlayedWorker &worker = stage.add_worker();
      stage.start(worker, 50);
      worker.send(frame.substr(0, bytes));
      stage.round();
      if (dies) {
        worker.hang_up();
        const int status = worker.end();
        stage.round();
        stage.tell_end(worker, status);
      }
      stage.wait_for_replies(1); // it has its deadline, and the grace time
      cr_assert_eq(stage.replies().at(1), dies ? "worker_crashed" : "deadline_exceeded");
    }
  Stage stage;
  PlayedWorker &worker = stage.add_worker();
  stage.start(worker);
  for (const char byte : frame) {
    worker.send({&byte, 1});
    stage.round();
  }
  stage.wait_for_replies(1);
  cr_assert_eq(stage.replies().at(1), "result");
}

Test(dispatcher, a_second_answer_to_a_request_reaches_nobody) {
  Stage stage("reuse", 1);
  PlayedWorker &worker = stage.add_worker();
  stage.start(worker);
  worker.answer(1);
  worker.answer(1);
  stage.expect_killed(worker);
  stage.wait_for_replies(1);
  cr_assert_eq(stage.replies().at(1), "result");
  cr_assert_eq(stage.environment.counters.protocol_breaks, 1);
}

Test(dispatcher, a_second_answer_is_not_the_next_requests) {
  Stage stage("reuse", 1);
  PlayedWorker &worker = stage.add_worker();
  stage.warm_up(worker);
  stage.submit(1);
  stage.submit(2);
  stage.round();
  const uint32_t sequence = worker.claim();
  worker.answer(sequence);
  worker.answer(sequence);
  stage.run_until([&] { return worker.master->has_ended(); });
  cr_assert(worker.gets(SIGKILL));
  stage.tell_end(worker, SIGKILL);
  stage.wait_for_replies(1);
  cr_assert_eq(stage.replies().at(1), "result");
  PlayedWorker &next = stage.add_worker();
  stage.round();
  next.answer(next.claim());
  stage.wait_for_replies(2);
  cr_assert_eq(stage.replies().at(2), "result", "it was not started");
}

Test(dispatcher, a_worker_that_hangs_up_and_lives_on_is_killed) {
  ::signal(SIGPIPE, SIG_IGN); // as the master does
  const std::function<void(PlayedWorker &)> ways[] = {
      [](PlayedWorker &worker) { worker.hang_up(); },
      [](PlayedWorker &worker) { worker.shut_down(SHUT_WR); },
      [](PlayedWorker &worker) { worker.shut_down(SHUT_RDWR); },
      [](PlayedWorker &worker) { // it speaks, but does not hear
        worker.shut_down(SHUT_RD);
        worker.master->send_host_reply(1, {1, packed_nil, packed_nil});
      }};
  for (const auto &hang_up : ways) {
    Stage stage;
    stage.idempotent = true; // it was no kill from outside: that is no reason to run it once more
    PlayedWorker &worker = stage.add_worker();
    stage.start(worker);
    hang_up(worker);
    stage.expect_killed(worker);
    stage.wait_for_replies(1);
    cr_assert_eq(stage.replies().at(1), "internal");
    cr_assert_eq(stage.environment.counters.protocol_breaks, 1);
    cr_assert_eq(stage.gone, 1);
  }
}

Test(dispatcher, a_worker_that_is_forgotten_is_killed) {
  Stage stage;
  PlayedWorker &worker = stage.add_worker();
  worker.hang_up(); // idle: nobody waits for its end
  stage.run_until([&] { return stage.gone == 1; });
  const pid_t pid = worker.master->pid();
  worker.master.reset();
  cr_assert(worker.gets(SIGKILL));
  cr_assert_eq(stage.environment.processes.forget_ended(), 0);
  cr_assert_not(stage.environment.processes.has(pid));
}

Test(dispatcher, a_worker_that_ends_while_it_hangs_up_keeps_its_status) {
  Stage stage;
  PlayedWorker &worker = stage.add_worker();
  stage.start(worker);
  worker.hang_up();
  stage.run_until(
      [&] { return worker.master->is(WorkerProcess::State::lived_on); }); // its end takes long
  stage.dispatcher->worker_ended(*worker.master, SIGSEGV);
  stage.wait_for_replies(1);
  cr_assert_eq(stage.replies().at(1), "worker_crashed");
}

Test(dispatcher, a_worker_tells_the_figures_of_a_run_once) {
  Stage stage;
  stage.chatty = true;
  PlayedWorker &worker = stage.add_worker();
  stage.start(worker);
  for (int times = 0; times < 2; ++times)
    worker.say(MessageType::run_stats, 1, "\x94\x01\x02\x03\x04");
  stage.expect_killed(worker);
  cr_assert_eq(stage.clients[0].figures, 1);
  cr_assert_eq(stage.environment.counters.protocol_breaks, 1);
}

// A sound worker keeps to the limits itself.
Test(dispatcher, console_output_has_its_limits_whatever_a_worker_sends) {
  Stage stage;
  stage.chatty = true;
  stage.settings.console_lines = 3;
  stage.settings.console_bytes = 1000;
  PlayedWorker &worker = stage.add_worker();
  stage.start(worker);
  for (int lines = 0; lines < 10; ++lines)
    worker.say(MessageType::console, 1, "\x92\xa4info\xa1x");
  stage.round();
  cr_assert_eq(stage.clients[0].consoles, 4, "%d", stage.clients[0].consoles); // and a remark
  worker.answer(1);
  stage.submit(2);
  stage.round();
  stage.round();
  cr_assert_eq(worker.claim(), 2);
  const std::string long_text = "\x92\xa4info\xda\x27\x10" + std::string(10'000, 'x');
  worker.say(MessageType::console, 2, "\x92\xa4info\xa1x"); // each run has its own
  worker.say(MessageType::console, 2, long_text);
  stage.round();
  cr_assert_eq(stage.clients[0].consoles, 5);
  cr_assert_eq(stage.clients[0].console_bytes, 5);
}

Test(dispatcher, answers_that_a_script_does_not_take_are_counted_and_end_it) {
  Stage stage;
  stage.environment.settings.max_output_bytes = 100'000;
  PlayedWorker &worker = stage.add_worker();
  stage.start(worker);
  const std::string answer = "\xda\x27\x10" + std::string(10'000, 'x');
  int taken = 1;
  while (worker.master->send_host_reply(1, {1, packed_nil, answer}))
    cr_assert(++taken < 1000, "without end");
  cr_assert(taken >= 10, "%d", taken);
  cr_assert(stage.environment.buffered_bytes() >= 100'000, "nobody counts them");
  for (int more = 0; more < 40; ++more) { // the socket takes some
    worker.master->send_host_reply(1, {1, packed_nil, answer});
    stage.round();
  }
  stage.clients[0].rooms = 0;
  stage.expect_killed(worker);
  stage.wait_for_replies(1);
  cr_assert_eq(stage.replies().at(1), "overloaded");
  cr_assert_eq(stage.clients[0].rooms, 0);
}

Test(dispatcher, a_client_goes_on_answering_when_the_script_has_taken_what_was_there) {
  Stage stage;
  stage.environment.settings.max_output_bytes = 100'000;
  PlayedWorker &worker = stage.add_worker();
  stage.start(worker);
  const std::string answer = "\xda\x27\x10" + std::string(10'000, 'x');
  while (worker.master->send_host_reply(1, {1, packed_nil, answer}))
    ;
  stage.run_until([&] {
    worker.take_what_is_there();
    return stage.clients[0].rooms == 1;
  });
  stage.run_until([&] { // longer than it would have had
    worker.take_what_is_there();
    return stage.clock.now_us() > 3'000'000;
  });
  cr_assert_eq(stage.environment.counters.kills, 0);
  cr_assert(stage.environment.buffered_bytes() < 10'000);
  worker.answer(1);
  stage.wait_for_replies(1);
  cr_assert_eq(stage.replies().at(1), "result");
}

// Its socket may be held open by somebody else.
Test(dispatcher, a_killed_worker_is_done_with_even_if_its_socket_stays_open) {
  Stage stage;
  PlayedWorker &worker = stage.add_worker();
  Request &request = stage.start(worker);
  stage.dispatcher->cancel(request, true);
  cr_assert(worker.gets(SIGKILL));
  stage.run_until([&] { return stage.gone == 1; });
  cr_assert_eq(stage.dispatcher->in_progress(), 0);
}

Test(dispatcher, a_cancelled_request_that_its_worker_keeps_has_the_grace_time) {
  for (const bool client_goes : {false, true})
    for (const bool lets_go : {false, true}) {
      Stage stage("reuse", 1);
      stage.environment.settings.grace_ms = 50;
      PlayedWorker &worker = stage.add_worker();
      stage.warm_up(worker);
      stage.submit(1, 10'000, 1);
      Request &second = stage.submit(2, 10'000, client_goes ? 2 : 1);
      stage.round();
      const uint32_t sequence = worker.claim();
      cr_assert_eq(worker.claim(), sequence + 1); // the first one's answer is under way
      if (client_goes)
        stage.clients[2].go_away();
      else
        stage.dispatcher->cancel(second, true);
      if (!lets_go) {
        stage.expect_killed(worker);
        continue;
      }
      worker.answer(sequence);
      worker.answer(sequence + 1);
      stage.run_until([&] { return stage.dispatcher->in_progress() == 0; });
      cr_assert_eq(stage.replies(1).at(1), "result");
      cr_assert_eq(stage.environment.counters.kills, 0);
      cr_assert_eq(stage.dispatcher->idle(), 1);
    }
}

Test(dispatcher, a_worker_that_lies_about_its_lease_is_killed) {
  const uint32_t lies[] = {UINT32_MAX, 2, 0}; // it was sent 1, and spoke of it
  const std::function<void(Stage &, Request &)> occasions[] = {
      [](Stage &stage, Request &request) { stage.dispatcher->cancel(request, true); },
      [](Stage &stage, Request &) { stage.clients[0].go_away(); },
      [](Stage &stage, Request &request) { stage.dispatcher->deadline_passed(request); }};
  for (const uint32_t lie : lies)
    for (const auto &ask : occasions) {
      Stage stage;
      PlayedWorker &worker = stage.add_worker();
      Request &request = stage.start(worker);
      worker.say(MessageType::console, 1, "\x92\xa4info\xa1x");
      stage.round();
      worker.lie(lie);
      ask(stage, request);
      stage.expect_killed(worker);
      cr_assert_eq(stage.environment.counters.protocol_breaks, 1);
      cr_assert_eq(stage.environment.counters.revoked, 0, "it would run again");
      cr_assert_eq(stage.left, 1);
    }
}

Test(dispatcher, a_worker_that_does_not_begin_what_it_is_given_is_killed) {
  Stage stage;
  PlayedWorker &worker = stage.add_worker();
  worker.page().ready = true;
  stage.submit(1);
  stage.round();
  stage.dispatcher->sweep();
  cr_assert_eq(stage.environment.counters.kills, 0, "it has its time");
  stage.run_until([&] {
    stage.dispatcher->sweep();
    return stage.environment.counters.kills == 1;
  });
  cr_assert(worker.gets(SIGKILL));
  PlayedWorker &other = stage.add_worker();
  stage.round();
  other.answer(other.claim());
  stage.wait_for_replies(1);
  cr_assert_eq(stage.replies().at(1), "result");
}

Test(dispatcher, an_answer_to_one_step_of_a_chain_does_not_reach_the_next) {
  Stage stage("reuse", 1);
  PlayedWorker &worker = stage.add_worker();
  Request &request = stage.submit(1);
  request.step = 0;
  request.later_steps.emplace_back("\x90");
  stage.round();
  cr_assert_eq(worker.claim(), 1);
  worker.say(MessageType::host_call, 1, "\x93\x01\xa1x\x90");
  stage.round();
  stage.round();
  cr_assert_eq(stage.clients[0].open_host_calls, 1);
  worker.answer(1);
  stage.round();
  cr_assert_eq(worker.claim(), 2, "the next step");
  cr_assert_eq(stage.clients[0].open_host_calls, 0,
               "an answer to the first step's call would reach this one");
  worker.answer(2);
  stage.wait_for_replies(1);
}

Test(dispatcher, an_answer_to_the_first_run_does_not_reach_the_second) {
  Stage stage("reuse", 1);
  stage.idempotent = true;
  PlayedWorker &worker = stage.add_worker();
  stage.start(worker);
  worker.say(MessageType::host_call, 1, "\x93\x01\xa1x\x90");
  stage.round();
  stage.round();
  cr_assert_eq(stage.clients[0].open_host_calls, 1);
  worker.hang_up();
  const int status = worker.end();
  stage.round();
  stage.dispatcher->worker_ended(*worker.master, status);
  PlayedWorker &next = stage.add_worker();
  stage.round();
  cr_assert_eq(next.claim(), 1);
  cr_assert_eq(stage.clients[0].open_host_calls, 0);
  next.answer(1);
  stage.wait_for_replies(1);
  cr_assert_eq(stage.replies().at(1), "result");
}

Test(dispatcher, a_chain_whose_worker_dies_between_two_steps_goes_on) {
  for (const bool begun : {false, true}) {
    Stage stage("reuse", 1);
    PlayedWorker &worker = stage.add_worker();
    Request &request = stage.submit(1);
    request.step = 0;
    request.later_steps.emplace_back("\x90");
    stage.round();
    worker.answer(worker.claim());
    stage.run_until([&] { return request.step == 1 && request.worker; });
    stage.round();
    if (begun)
      cr_assert_eq(worker.claim(), 2);
    worker.hang_up();
    const int status = worker.end();
    stage.round();
    stage.tell_end(worker, status);
    PlayedWorker &next = stage.add_worker();
    stage.round();
    if (!begun) // the last step alone: the first has run
      next.answer(next.claim());
    stage.wait_for_replies(1);
    cr_assert_eq(stage.replies().at(1), begun ? "worker_crashed" : "result");
    cr_assert_eq(next.claim(), 0);
  }
}

Test(dispatcher, a_full_queue_refuses) {
  Stage stage("reuse", 1);
  stage.settings.queue = 1;
  stage.submit(1);
  stage.submit(2);
  stage.wait_for_replies(1);
  cr_assert_eq(stage.replies().at(2), "overloaded");
}

Test(dispatcher, a_full_queue_refuses_the_newest_of_who_has_most_there) {
  Stage stage("reuse", 1);
  stage.settings.queue = 4;
  const size_t greedy = stage.add_client(1000), modest = stage.add_client(1001);
  for (uint32_t msgid = 1; msgid <= 4; ++msgid)
    stage.submit(msgid, 10'000, greedy);
  stage.submit(1, 10'000, modest);
  stage.submit(2, 10'000, modest);
  cr_assert_eq(stage.replies(greedy).at(4), "overloaded");
  cr_assert_eq(stage.replies(greedy).at(3), "overloaded");
  stage.submit(3, 10'000, modest); // has most now
  cr_assert_eq(stage.replies(modest).at(3), "overloaded");
  cr_assert_eq(stage.replies(greedy).size(), 2);
  stage.environment.accounts.of(1000)->is_admin = true;
  stage.submit(5, 10'000, greedy);
  cr_assert_eq(stage.replies(modest).at(2), "overloaded", "an administrator has the last word");
  cr_assert_eq(stage.dispatcher->queued(), 4);
}

Test(dispatcher, the_last_free_worker_is_for_a_user_who_has_none) {
  Stage stage("reuse", 3);
  PlayedWorker *workers[] = {&stage.add_worker(), &stage.add_worker(), &stage.add_worker()};
  const size_t quick = stage.add_client(1000), slow = stage.add_client(1001);
  stage.submit(1, 10'000, quick);
  stage.round();
  const int64_t begin_us = stage.clock.now_us();
  stage.run_until([&] { return stage.clock.now_us() > begin_us + 20'000; });
  for (PlayedWorker *worker : workers)
    if (const uint32_t sequence = worker->claim())
      worker->answer(sequence);
  stage.wait_for_replies(1, quick); // and is idle now, but may come again
  for (uint32_t msgid = 1; msgid <= 8; ++msgid)
    stage.submit(msgid, 10'000, slow);
  stage.round();
  cr_assert_eq(stage.dispatcher->running(), 2);
  stage.submit(2, 100, quick);
  stage.round();
  cr_assert_eq(stage.dispatcher->running(), 3);
  cr_assert_eq(std::ranges::count_if(workers, [](PlayedWorker *one) { return one->claim() > 0; }),
               3);
  cr_assert_eq(stage.dispatcher->queued(), 6);
}

Test(dispatcher, a_user_alone_has_all_workers) {
  Stage stage("reuse", 2);
  stage.add_worker();
  stage.add_worker();
  for (uint32_t msgid = 1; msgid <= 3; ++msgid)
    stage.submit(msgid);
  cr_assert_eq(stage.dispatcher->running(), 2);
}

Test(dispatcher, what_is_sent_ahead_to_a_worker_is_of_one_user) {
  Stage stage("reuse", 1);
  PlayedWorker &worker = stage.add_worker();
  stage.warm_up(worker);
  const size_t stranger = stage.add_client(1001);
  stage.submit(1);
  stage.submit(1, 10'000, stranger);
  stage.submit(2);
  cr_assert_eq(worker.master->sent().size(), 2, "%zu", worker.master->sent().size());
  cr_assert_eq(stage.dispatcher->queued(), 1);
  stage.round();
  const uint32_t first = worker.claim();
  worker.answer(first);
  cr_assert_eq(worker.claim(), first + 1);
  worker.answer(first + 1);
  stage.wait_for_replies(2);
  stage.round();
  worker.answer(worker.claim());
  stage.wait_for_replies(1, stranger);
}

Test(dispatcher, who_had_the_workers_longer_waits) {
  Stage stage("reuse", 1);
  PlayedWorker &worker = stage.add_worker();
  const size_t slow = stage.add_client(1000), quick = stage.add_client(1001);
  stage.submit(1, 60'000, slow);
  stage.submit(2, 60'000, slow);
  for (uint32_t msgid = 1; msgid <= 5; ++msgid)
    stage.submit(msgid, 60'000, quick);
  stage.round();
  const uint32_t sequence = worker.claim();
  const int64_t begin_us = stage.clock.now_us();
  stage.run_until([&] { return stage.clock.now_us() > begin_us + 500'000; });
  worker.answer(sequence);
  stage.wait_for_replies(1, slow);
  for (size_t answered = 1; answered <= 5; ++answered) {
    stage.round();
    worker.answer(worker.claim());
    stage.wait_for_replies(answered, quick);
  }
  cr_assert_eq(stage.replies(slow).size(), 1);
}

Test(dispatcher, what_can_not_start_before_its_deadline_is_refused_at_once) {
  Stage stage("reuse", 1);
  PlayedWorker &worker = stage.add_worker();
  for (uint32_t msgid = 100; msgid < 120; ++msgid) { // 50 ms each
    stage.submit(msgid);
    stage.round();
    const uint32_t sequence = worker.claim();
    const int64_t begin_us = stage.clock.now_us();
    stage.run_until([&] { return stage.clock.now_us() > begin_us + 50'000; });
    worker.answer(sequence);
    stage.run_until([&] { return stage.replies().contains(msgid); });
  }
  for (uint32_t msgid = 1; msgid <= 10; ++msgid)
    stage.submit(msgid);
  stage.submit(11, 100);
  cr_assert_eq(stage.replies().at(11), "overloaded");
  stage.submit(12, 2000);
  cr_assert_eq(stage.replies().count(12), 0);
  cr_assert_eq(stage.environment.counters.deadlines_queued, 0);
}

Test(dispatcher, what_has_expired_does_not_run) {
  Stage stage("reuse", 1);
  stage.submit(1, 5);
  for (int ticks = 0; ticks < 30; ++ticks)
    stage.clock.tick();
  stage.environment.loop.read_clock_again();
  PlayedWorker &worker = stage.add_worker(); // before its timer has its turn
  cr_assert_eq(stage.replies().at(1), "deadline_exceeded");
  stage.round();
  cr_assert_eq(worker.claim(), 0);
  cr_assert_eq(stage.dispatcher->idle(), 1);
}

Test(dispatcher, pause_resume_and_drain) {
  Stage stage("reuse", 1);
  PlayedWorker &worker = stage.add_worker();
  stage.dispatcher->set_mode(Dispatcher::Mode::paused);
  stage.submit(1);
  stage.round();
  cr_assert_eq(worker.claim(), 0);
  stage.dispatcher->set_mode(Dispatcher::Mode::drained); // what waits is finished
  stage.submit(2);
  stage.round();
  worker.answer(worker.claim());
  stage.wait_for_replies(2);
  cr_assert_eq(stage.replies().at(1), "result");
  cr_assert_eq(stage.replies().at(2), "shutting_down");
}

Test(dispatcher, after_a_switch_only_the_new_generation_takes_requests) {
  Stage stage("reuse", 2);
  PlayedWorker &old = stage.add_worker();
  stage.submit(1);
  stage.round();
  const uint32_t running = old.claim();
  stage.dispatcher->use_generation(2, true);
  stage.submit(2);
  old.answer(running);
  stage.wait_for_replies(1);
  cr_assert_eq(stage.left, 1);
  cr_assert_eq(stage.dispatcher->queued(), 1);
}

Test(dispatcher, where_the_pool_learns_its_owner_sees_what_was_compiled_in) {
  for (const bool learns : {false, true}) {
    Stage stage;
    stage.settings.learn = learns;
    PlayedWorker &worker = stage.add_worker();
    for (const bool compiled : {true, false, true}) {
      stage.clients.clear();
      stage.submit(1);
      stage.round();
      compiled ? worker.answer_compiled(worker.claim()) : worker.answer(worker.claim());
      stage.wait_for_replies(1);
    }
    cr_assert_eq(stage.learned, learns ? "\x90\x90" : "");
    cr_assert_eq(stage.environment.counters.compiled, 2);
  }
}
