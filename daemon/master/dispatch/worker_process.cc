// SPDX-License-Identifier: Apache-2.0
// Sending to a worker and hearing from it.
#include "daemon/master/dispatch/worker_process.h"
#include "daemon/master/loop/process.h"
#include "ipc/packer.h"

#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

namespace lethe {
namespace {

// Sending ahead saves a round trip through the master. It pays while requests are shorter than one.
constexpr int64_t short_run_us = 200;
constexpr size_t most_sent_ahead = 16;
// For a script that computes while answers to its calls come. Their client is not read meanwhile.
constexpr int64_t deaf_us = 1'000'000;
constexpr uint32_t most_pages = 4096; // that it is believed to copy or to have changed

} // namespace

SharedPage::~SharedPage() {
  if (page_)
    munmap(static_cast<void *>(page_), static_cast<size_t>(sysconf(_SC_PAGESIZE)));
}

Result<SharedPage> SharedPage::map(const FileDescriptor &memory) {
  const auto page_bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  struct stat file {};
  const int seals = fcntl(memory.get(), F_GET_SEALS);
  if (seals < 0 || (seals & F_SEAL_SHRINK) == 0 || fstat(memory.get(), &file) < 0 ||
      static_cast<size_t>(file.st_size) < page_bytes)
    return Error(ErrorCode::internal, "a worker's page is not a sealed page");
  void *mapped = mmap(nullptr, page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0);
  if (mapped == MAP_FAILED)
    return Error(ErrorCode::internal, system_message("mmap of a worker's page"));
  SharedPage page;
  page.page_ = static_cast<WorkerPage *>(mapped);
  return page;
}

WorkerProcess::WorkerProcess(Environment &environment, WorkerOwner &owner, Parts parts)
    : Flushable(environment.loop), born_us(environment.loop.now_us()), environment_(environment),
      owner_(owner), parts_(std::move(parts)), state_(*this, environment.moves, State::forked),
      verdict_(environment.loop,
               [this] { has_hung_up() ? owner_.verdict_is_due(*this) : hang_up(); }),
      channel_(std::move(parts_.socket), Party::worker, Channel::Carries::frames,
               environment.frame_bytes()),
      held_(environment.accounts.nobody()),
      readable_(environment.loop, channel_.descriptor(), EV_READ, [this] { readable(); }),
      writable_(environment.loop, channel_.descriptor(), EV_WRITE, [this] { flush(); }),
      head_timer_(environment.loop, [this] { watch_head(); }),
      deaf_(environment.loop, [this] { owner_.worker_is_deaf(*this); }) {
  // This end alone does not block: the worker's end is another open socket.
  fcntl(channel_.descriptor(), F_SETFL, O_NONBLOCK);
  readable_.enable();
}

WorkerProcess::~WorkerProcess() {
  invariant(sent_.empty() || environment_.stopping(), "a worker that goes holds no request",
            {"worker", id()}, {"held", sent_.size()});
}

void WorkerProcess::move_to(State to_state, std::string_view why, const MovePlace &caller) {
  if (to_state == State::leaving)
    left_us_ = loop_.now_us();
  else if (to_state == State::gone)
    verdict_.stop();
  state_.move_to(to_state, why, caller);
}

std::string WorkerProcess::who() const {
  return fmt::format("worker {} of pool {}", id(), owner_.pool());
}

void WorkerProcess::check_state() const {
  switch (state_.now()) {
  case State::running:
    return invariant(!sent_.empty(), "a worker that runs was sent a request", {"worker", id()});
  case State::idle:
  case State::gone:
    return invariant(sent_.empty(), "a worker that is idle or gone holds no request",
                     {"worker", id()}, {"held", sent_.size()});
  case State::hung_up:
    return invariant(!readable_.enabled(), "a worker that hung up is not listened to",
                     {"worker", id()});
  default:
    return;
  }
}

void WorkerProcess::run(Request &request) {
  invariant(!has_left() && !state_.is(State::forked), "a worker that leaves gets no request",
            {"worker", id()}, {"state", state_.now()});
  invariant(!request.worker && !request.lane, "a request is sent to one worker, and waits no more",
            {"msgid", request.msgid}, {"worker", id()});
  invariant(last_sequence_ < UINT32_MAX, "the numbers of a worker's requests do not wrap",
            {"worker", id()});
  request.worker = this;
  request.sequence = ++last_sequence_;
  repertoire_.note(request.history().get(), last_sequence_);
  request.dispatched_us = loop_.now_us();
  held_.move_to(request.held.account());
  channel_.add(MessageType::run, request.sequence, request.body.view());
  if (sent_.empty())
    head_since_us = request.dispatched_us;
  else if (!head_timer_.pending())
    head_timer_.start(owner_.slow_after_us());
  sent_.push_back(request);
  flush_later();
}

// Whatever a worker says of pages, a request goes to some worker.
void WorkerProcess::note_pages() {
  if (const auto changed = page().counted_of(last_sequence_); changed && ran_last)
    ran_last->note_changed_pages(std::min(*changed, most_pages));
}

int64_t WorkerProcess::cost_of(const RunHistory &script) const {
  const int64_t changed = script.changed_pages(),
                hot = std::min(page().hot_pages.load(std::memory_order_relaxed), most_pages);
  return lethe::cost_of(changed, served > 0 ? hot : changed,
                        repertoire_.has(&script, last_sequence_));
}

int64_t WorkerProcess::done() {
  const int64_t now_us = loop_.now_us();
  const int64_t took_us = now_us - head_since_us;
  run_us += (took_us - run_us) / 8;
  head_since_us = now_us;
  ++served;
  Request *request = sent_.pop_front();
  invariant(request && request->worker == this && request->sequence <= last_sequence_,
            "a worker is done with what it was sent", {"worker", id()}, {"sent", last_sequence_});
  request->worker = nullptr;
  ran_last = request->history();
  return took_us;
}

bool WorkerProcess::send_host_reply(uint32_t sequence, const message::HostReply &reply) {
  channel_.add(sequence, reply);
  held_.set(channel_.held_bytes());
  flush_later();
  if (!is_full())
    return true;
  room_awaited_ = true;
  if (!deaf_.pending())
    deaf_.start(deaf_us);
  return false;
}

bool WorkerProcess::is_full() const {
  return channel_.output_bytes() > static_cast<size_t>(environment_.settings.max_output_bytes);
}

bool WorkerProcess::send_debug_input(uint32_t sequence, const message::DebugInput &input) {
  if (is_full())
    return false;
  channel_.add(sequence, input);
  held_.set(channel_.held_bytes());
  flush_later();
  return true;
}

void WorkerProcess::go_on() {
  if (!has_hung_up())
    readable_.enable();
}

uint32_t WorkerProcess::claimed() const {
  return WorkerPage::claimed_part(page().lease.load(std::memory_order_acquire));
}

bool WorkerProcess::is_out_of_numbers() const {
  return last_sequence_ >= UINT32_MAX - most_sent_ahead;
}

bool WorkerProcess::takes_more() const {
  const bool short_so_far = sent_.empty() || loop_.now_us() - head_since_us < short_run_us;
  return run_us < short_run_us && short_so_far && served > 0 && sent_.size() < most_sent_ahead &&
         !is_out_of_numbers();
}

void WorkerProcess::watch_head() {
  if (sent_.size() < 2)
    return;
  const int64_t wait_us = head_since_us + owner_.slow_after_us() - loop_.now_us();
  if (wait_us > 0)
    head_timer_.start(wait_us);
  else
    owner_.worker_is_slow(*this);
}

void WorkerProcess::interrupt() { parts_.process.signal(interrupt_signal); }

void WorkerProcess::kill(Treatment reason) {
  treatment_ = std::max(treatment_, reason);
  parts_.process.kill();
  if (!has_hung_up() && !verdict_.pending())
    verdict_.start(verdict_wait_us);
}

void WorkerProcess::kill_after_hanging_up() {
  move_to(State::lived_on);
  parts_.process.kill();
}

// The worker finds the end of its input and exits; what it says until then is still read.
void WorkerProcess::dismiss() { shutdown(channel_.descriptor(), SHUT_WR); }

void WorkerProcess::end_is_told(int wait_status) {
  invariant(!wait_status_, "a worker's end is told once", {"worker", id()}, {"pid", pid()});
  wait_status_ = wait_status;
}

void WorkerProcess::readable() {
  if (has_hung_up())
    return;
  // One read in a round: a worker that says much does not keep the others waiting.
  const Channel::Status received = channel_.receive();
  if (received == Channel::Status::closed)
    return hang_up();
  Frame frame;
  Channel::Status status = Channel::Status::again;
  while (!has_hung_up() && treatment_ != Treatment::killed_for_breach &&
         (status = channel_.next(frame, peer_state())) == Channel::Status::ok) {
    started_ = std::max(started_, std::min(frame.sequence, last_sequence_));
    owner_.worker_said(*this, frame);
  }
  held_.set(channel_.held_bytes());
  if (room_awaited_)
    hold();
  if (status == Channel::Status::broken)
    owner_.break_off(*this, channel_.flaw());
  if (treatment_ == Treatment::killed_for_breach)
    hang_up();
}

PeerState WorkerProcess::peer_state() {
  const Request *request = sent_.front();
  return !request ? PeerState::idle : request->debugs ? PeerState::debugging : PeerState::running;
}

void WorkerProcess::flush() {
  const Channel::Status status = has_hung_up() ? Channel::Status::closed : channel_.flush();
  // A worker that is gone shows as end of file, after what it said last. One that only does not
  // hear any more is as good as gone.
  if (status == Channel::Status::closed && !has_hung_up()) {
    readable_.enable();
    if (!verdict_.pending())
      verdict_.start(hang_up_wait_us);
  }
  if (status == Channel::Status::again)
    writable_.enable();
  else
    writable_.disable();
  held_.set(channel_.held_bytes());
  if (room_awaited_ && !is_full() && !has_hung_up()) {
    room_awaited_ = false;
    deaf_.stop();
    go_on();
    owner_.worker_has_room(*this);
  }
}

void WorkerProcess::hang_up() {
  if (has_hung_up())
    return;
  readable_.disable();
  writable_.disable();
  head_timer_.stop();
  deaf_.stop();
  owner_.worker_hung_up(*this);
}

} // namespace lethe
