// SPDX-License-Identifier: Apache-2.0
// Whatever workers send, claim and write into their pages, whenever they end, and whatever clients
// do meanwhile: each request has one answer, and nothing is left.
#include "daemon/master/dispatch/dispatcher.h"
#include "daemon/master/dispatch/client.h"
#include "tests/fuzz/worker.h"

#include <csignal>
#include <deque>
#include <set>

using namespace lethe;
using namespace lethe::fuzz;

namespace {

class PlayedClient final : public Client {
public:
  explicit PlayedClient(const AccountPointer &account) : account_(account) {}
  void list(Request &request) {
    request.client = this;
    request.held.move_to(account_);
    request.count_bytes();
    check(requests.insert(&request).second);
  }
  const AccountPointer &account() const override { return account_; }
  Lane &lane(size_t number, FairQueue &) override { return lanes_[number]; }
  void forget(Request &request) override {
    check(requests.erase(&request) == 1);
    request.client = nullptr;
  }
  void forget_host_calls(Request &) override {}
  void send_result(Request &request, std::string_view result) override {
    check(is_one_value(result, 256 + 4));
    answer(request);
  }
  void send_error(Request &request, const Error &) override { answer(request); }
  void send_raw_error(Request &request, std::string_view map) override {
    check(is_one_value(map, 256 + 4));
    answer(request);
  }
  void send_console(const Request &request, std::string_view, std::string_view) override {
    check(request.client == this);
  }
  void send_stats(const Request &request, const RunStats &) override {
    check(request.client == this);
  }
  bool send_debug_output(const Request &request, std::optional<std::string_view>) override {
    check(request.client == this);
    return true;
  }
  bool awaits_room() const override { return false; }
  void send_host_call(Request &request, const message::HostCall &call) override {
    check(is_one_value(call.arguments, 256 + 4));
    if (request.worker) // the client answers at once
      request.worker->send_host_reply(request.sequence, {call.call_id, packed_nil, "\x01"});
  }
  void worker_has_room(Request &) override {}

  std::set<Request *> requests;
  size_t answers = 0;

private:
  void answer(Request &request) {
    ++answers;
    forget(request);
  }
  AccountPointer account_;
  std::map<size_t, Lane> lanes_;
};

class Stage final : public DispatcherOwner {
public:
  explicit Stage(Bytes &input) : input_(input) {
    settings_.isolation = static_cast<Isolation>(input.byte() % 3);
    settings_.workers = 2;
    environment_.settings.max_message_bytes = 512;
    dispatcher_.emplace(environment_, *this, 0, "default", settings_);
    dispatcher_->use_generation(1, true);
    for (const uid_t user : {1000u, 1001u})
      clients_.emplace_back(environment_.accounts.of(user));
  }

  void act() {
    const uint8_t what = input_.byte();
    PlayedWorker *worker = workers_.empty() ? nullptr : workers_[what / 16 % workers_.size()].get();
    if (worker && worker->is_gone)
      worker = nullptr;
    switch (what % 16) {
    case 0:
      return add_worker(what / 16 % 4 == 1);
    case 1:
    case 2:
      return submit();
    case 3:
      return pass(input_.byte() * 10);
    case 4:
      return pass(input_.byte() * 20'000);
    case 5:
      return cancel(what / 16);
    case 6:
      return dispatcher_->set_mode(static_cast<Dispatcher::Mode>(what / 16 % 3));
    case 7: // some find out that workers have computed for nothing; now and then one was reaped
      kernel_.used_us = what / 16 == 15 ? -1 : kernel_.used_us + what / 16 * 100'000;
      return dispatcher_->sweep();
    default:
      if (worker)
        worker_acts(*worker, what % 16);
    }
  }

  // The daemon's own end, whatever state it is in.
  void end() {
    dispatcher_->set_mode(Dispatcher::Mode::open);
    dispatcher_->abort_all(Error(ErrorCode::shutting_down, ""));
    for (const auto &worker : workers_)
      if (!worker->is_gone)
        worker->socket.reset();
    for (int rounds = 0; rounds < 8; ++rounds) {
      pass(2'000'000);
      for (const auto &worker : workers_)
        if (!worker->is_gone) {
          kernel_.end(worker->pid);
          tell_end(*worker, SIGKILL);
        }
    }
    size_t answers = 0;
    for (PlayedClient &client : clients_) {
      check(client.requests.empty());
      answers += client.answers;
    }
    check(answers + cancelled_ == submitted_);
    check(dispatcher_->in_progress() == 0);
    check(environment_.requests.in_use() == 0);
    for (const auto &worker : workers_)
      check(worker->is_gone);
  }

private:
  void worker_left(WorkerProcess &) override {}
  void worker_gone(WorkerProcess &gone) override {
    for (const auto &worker : workers_)
      if (worker->master.get() == &gone) {
        check(!worker->is_gone);
        worker->is_gone = true;
        environment_.loop.dispose(std::shared_ptr<WorkerProcess>(std::move(worker->master)));
        return;
      }
    std::abort();
  }
  void fresh_worker_wanted() override {}
  void all_is_done() override {}

  void add_worker(bool debugs) {
    if (workers_.size() >= 6)
      return;
    workers_.push_back(
        std::make_unique<PlayedWorker>(environment_, kernel_, *dispatcher_, ++last_pid_));
    WorkerProcess &added = *workers_.back()->master;
    debugs ? dispatcher_->add_debugging(added) : dispatcher_->add(added);
  }

  void submit() {
    if (submitted_ >= 32)
      return;
    const uint8_t kind = input_.byte();
    Request &request = environment_.requests.take();
    request.msgid = static_cast<uint32_t>(++submitted_);
    request.dispatcher = &*dispatcher_;
    request.isolation = settings_.isolation;
    request.debugs = kind % 16 == 15;
    request.once = request.isolation == Isolation::process || request.debugs;
    request.idempotent = (kind & 16) != 0;
    request.wants_console = (kind & 32) != 0;
    request.wants_stats = (kind & 64) != 0;
    request.step = -1;
    if ((kind & 128) != 0 && !request.debugs) {
      request.step = 0;
      request.later_steps.assign(2, "\x90");
    }
    request.received_us = environment_.loop.now_us();
    request.deadline_us = request.received_us + (kind % 4 + 1) * 100'000;
    request.body.append("\x90");
    clients_[kind % 2].list(request);
    dispatcher_->submit(request);
  }

  void pass(int64_t time_us) {
    clock_.time_us += time_us;
    environment_.loop.run_round(false);
  }

  void cancel(size_t which) {
    PlayedClient &client = clients_[which % 2];
    if (client.requests.empty())
      return;
    auto chosen = client.requests.begin();
    std::advance(chosen, which / 2 % client.requests.size());
    const bool tell = input_.byte() % 2 == 1;
    cancelled_ += !tell;
    dispatcher_->cancel(**chosen, tell);
  }

  void worker_acts(PlayedWorker &worker, int what) {
    switch (what) {
    case 8: { // a frame whose head is right
      const std::string body = input_.text();
      const FrameHeader head{static_cast<uint32_t>(body.size()),
                             static_cast<uint16_t>(48 + input_.byte() % 6), 0,
                             sequence_of(worker) + (input_.byte() == 255)};
      worker.send({reinterpret_cast<const char *>(&head), sizeof head});
      return worker.send(body);
    }
    case 9: // a good answer
    case 10: {
      const FrameHeader head{3, static_cast<uint16_t>(MessageType::done), 0, sequence_of(worker)};
      worker.send({reinterpret_cast<const char *>(&head), sizeof head});
      return worker.send({"\x92\x00\x01", 3});
    }
    case 11:
      return worker.send(input_.text());
    case 12: // claims what it was sent, or takes what is there
      worker.take_what_is_there();
      worker.page->claim(sequence_of(worker));
      return;
    case 13:
      worker.page->lease = uint64_t{input_.number()} << 32 | input_.byte();
      worker.page->death_reason = static_cast<DeathReason>(input_.byte());
      worker.page->death_detail = input_.number();
      return;
    case 14:
      return worker.socket.reset();
    default:
      kernel_.end(worker.pid);
      tell_end(worker, input_.byte() << (input_.byte() % 2 * 8));
    }
  }
  // Once, as the pool sees to it.
  void tell_end(PlayedWorker &worker, int wait_status) {
    if (!worker.master->wait_status())
      dispatcher_->worker_ended(*worker.master, wait_status);
  }
  static uint32_t sequence_of(const PlayedWorker &worker) {
    const Request *request = worker.master->sent().front();
    return request ? request->sequence : 0;
  }

  Bytes &input_;
  PlayedClock clock_;
  PlayedKernel kernel_;
  Environment environment_{clock_, kernel_};
  PoolSettings settings_;
  std::deque<PlayedClient> clients_;
  std::optional<Dispatcher> dispatcher_;
  std::vector<std::unique_ptr<PlayedWorker>> workers_;
  pid_t last_pid_ = 100'000;
  size_t submitted_ = 0, cancelled_ = 0;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const int before = next_descriptor();
  {
    Bytes input(data, size);
    Stage stage(input);
    for (int acts = 0; acts < 200 && !input.empty(); ++acts)
      stage.act();
    stage.end();
  }
  check(next_descriptor() == before);
  return 0;
}
