// SPDX-License-Identifier: Apache-2.0
// The request loop of a simulated worker, and its faults.
#include "tests/simulation/worker.h"
#include "ipc/error_map.h"
#include "ipc/message_pack.h"
#include "tests/simulation/zygote.h"

#include <charconv>
#include <csignal>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/socket.h>

namespace lethe::simulation {
namespace {

constexpr std::string_view nobodys = "\xff"; // nobodys_number

// The number of the request, wherever its client put it, and the step of a chain.
std::pair<int64_t, int> identity(std::string_view script, std::string_view function,
                                 std::string_view raw) {
  if (script == "eval") {
    int64_t number = 0;
    std::from_chars(function.data(), function.data() + function.size(), number);
    return {number, 0};
  }
  Reader reader(raw);
  reader.array();
  return {reader.integer().value_or(0), function.size() == 2 ? function[1] - '0' : 0};
}

std::string error_body(ErrorCode code, std::string message) {
  Buffer body;
  write_error(body, Error(code, std::move(message)));
  return std::string(body.view());
}

} // namespace

SimulatedWorker::SimulatedWorker(World &world, SimulatedKernel &kernel, SimulatedZygote &parent,
                                 FileDescriptor socket, const FileDescriptor &page)
    : SimulatedProcess(world, kernel, &parent), family_(parent.family()), zygote_(parent.pid()) {
  fcntl(socket.get(), F_SETFL, O_NONBLOCK);
  channel_.emplace(std::move(socket), Party::master, Channel::Carries::frames, UINT32_MAX);
  page_ = static_cast<WorkerPage *>(
      mmap(nullptr, sizeof(WorkerPage), PROT_READ | PROT_WRITE, MAP_SHARED, page.get(), 0));
  world_.ears.add(*this, channel_->descriptor());
  later(world_.random.delay_us(300, 5000), [this] {
    if (world_.happens(world_.mix.deaths * 2))
      return die();
    page_->ready = true;
    is_ready_ = true;
    go_on();
  });
}

SimulatedWorker::~SimulatedWorker() { munmap(page_, sizeof(WorkerPage)); }

void SimulatedWorker::hear() {
  if (!lives() || !channel_ || hears_no_more_)
    return;
  const Channel::Status received = channel_->receive();
  Frame frame;
  while (channel_->next(frame, PeerState::running) == Channel::Status::ok) {
    if (frame.type == MessageType::host_reply) {
      if (run_ && run_->sequence == frame.sequence && run_->host_calls > 0 &&
          --run_->host_calls == 0)
        later(world_.random.delay_us(20, 500), [this, runs = runs_] {
          if (run_ && runs_ == runs)
            answer();
        });
      continue;
    }
    inbox_.push_back({frame.type, frame.sequence, std::string(frame.body)});
  }
  if (received == Channel::Status::closed)
    hears_no_more_ = true;
  else if (received == Channel::Status::ok)
    prick(); // there may be more
  go_on();
}

void SimulatedWorker::go_on() {
  if (!is_ready_ || run_ || rests_ || !lives() || !channel_)
    return;
  if (inbox_.empty()) {
    if (hears_no_more_)
      later(world_.random.delay_us(50, 2000), [this] { exit(0); });
    return;
  }
  const Message message = std::move(inbox_.front());
  inbox_.pop_front();
  if (message.type == MessageType::run)
    begin(message);
  else
    go_on();
}

void SimulatedWorker::begin(const Message &message) {
  if (world_.happens(world_.mix.deaths * 2))
    return die(); // before it claims
  const auto read = read_message<message::Run>(message.body);
  if (!read)
    return world_.books.violated("the master keeps to the protocol", read.error().message);
  const uint32_t flags = read->flags;
  const auto [number, step] = identity(read->script, read->text, read->arguments);
  if (world_.happens(world_.mix.lies))
    liar_ = true;
  const bool claims = !liar_ || world_.random.one_in(2);
  if (claims && !page_->claim(message.sequence)) {
    world_.timeline.note("finds taken back", pid(), number);
    return go_on();
  }
  ++runs_;
  run_ = Run{message.sequence, flags, number, step};
  world_.timeline.note(step == 0 ? "begins" : "begins a step", pid(), number);
  world_.books.a_request_begins_at_most_once(number, {pid(), step, liar_});
  run();
}

void SimulatedWorker::run() {
  Random &random = world_.random;
  if (liar_ && tell_lie())
    return;
  if (world_.happens(world_.mix.deaths))
    return later(random.delay_us(200, 50'000), [this] { die(); });
  int64_t takes_us = random.one_in(4) ? random.between(200, 5000) : random.between(5, 150);
  if (world_.happens(world_.mix.slow_scripts)) {
    takes_us = random.between(20'000, 3'000'000);
    run_->ignores_interrupts = random.one_in(3);
  }
  cpu_us_ += takes_us;
  later(takes_us, [this, runs = runs_] {
    if (run_ && runs_ == runs)
      finish();
  });
}

// What a script does at its end, before its result.
void SimulatedWorker::finish() {
  Random &random = world_.random;
  const auto chatty = random.between(0, 31);
  if (chatty < 3) {
    for (int64_t lines = chatty * 5; lines >= 0; --lines)
      say(message::Console{.level = "log", .text = "hello"});
  } else if (chatty < 6) {
    run_->host_calls = static_cast<int>(chatty - 2);
    for (uint32_t call = 0; call < static_cast<uint32_t>(run_->host_calls); ++call) {
      Buffer arguments;
      Packer(arguments).pack_array(1).pack_int64(run_->number);
      say(message::HostCall{.call_id = call, .name = "ask", .arguments = arguments.view()});
    }
    if (random.one_in(4)) // it does not wait
      run_->host_calls = 0;
    if (run_->host_calls > 0)
      return;
  }
  answer();
}

void SimulatedWorker::answer() {
  Random &random = world_.random;
  if (world_.happens(world_.mix.deaths * 2) && channel_) { // in the midst of a frame
    const FrameHeader header{20, static_cast<uint16_t>(MessageType::done), 0, run_->sequence};
    ::send(channel_->descriptor(), &header, static_cast<size_t>(random.between(1, sizeof header)),
           MSG_NOSIGNAL);
    return die();
  }
  if ((run_->flags & run_wants_stats) != 0)
    say(message::RunStats{.run_us = 1, .cpu_us = 2, .rewind_us = 3, .heap_kb = 4});
  if (world_.happens(world_.mix.deaths * 4)) // between two frames
    return die();
  if (random.one_in(10)) {
    say(message::Failed{0, error_body(ErrorCode::script_error, "it threw")});
    return after_answer();
  }
  Buffer body;
  Packer packer(body);
  const Ask *ask = world_.books.find(run_->number);
  const bool is_chain = ask && ask->steps > 1;
  if (!is_chain && world_.happens(world_.mix.large_values)) {
    const auto bytes = static_cast<uint32_t>(random.between(1000, 100'000));
    packer.pack_array(2).pack_int64(run_->number).pack_bin(bytes);
    body.append(std::string(bytes, 'x'));
  } else {
    packer.pack_int64(run_->number);
  }
  world_.timeline.note("says a result", pid(), run_->number);
  said_ = liar_ || !ask || run_->step + 1 < ask->steps ? 0 : run_->number;
  say(message::Done{.compiled = random.one_in(2) ? 1u : 0u, .result = body.view()});
  after_answer();
}

void SimulatedWorker::after_answer() {
  Random &random = world_.random;
  const bool once = (run_->flags & run_once) != 0, rewinds = (run_->flags & run_rewind) != 0;
  run_.reset();
  if (once)
    return later(random.delay_us(100, 3000), [this] { exit(0); });
  if (world_.happens(world_.mix.deaths * 2)) {
    if (random.one_in(2)) {
      page_->death_detail = static_cast<uint32_t>(RewindFailure::too_much_touched);
      page_->death_reason = DeathReason::rewind_failed;
      return exit(exit_failed);
    }
    return die();
  }
  if (world_.happens(world_.mix.burns) && burns_since_us_ == 0)
    compute_on();
  rests_ = true;
  later(rewinds ? random.delay_us(30, 2000) : 1, [this] {
    rests_ = false;
    go_on();
  });
}

// As native code may that is looking for something. If it is sent nothing more, that is its end.
void SimulatedWorker::compute_on() {
  constexpr int64_t at_the_latest_us = 6'000'000;
  world_.timeline.note("computes on", pid());
  ++world_.burners;
  burns_since_us_ = world_.timeline.now_us();
  burns_percent_ = world_.random.between(5, 100);
  later(at_the_latest_us, [this, runs = runs_] {
    if (runs == runs_ && channel_)
      world_.books.violated("an idle worker that computes is killed", fmt::format("{}", pid()));
  });
}

int64_t SimulatedWorker::cpu_us() const {
  const int64_t burns_us = burns_since_us_ > 0 ? world_.timeline.now_us() - burns_since_us_ : 0;
  return cpu_us_ + burns_us * burns_percent_ / 100;
}

void SimulatedWorker::die() {
  switch (world_.random.between(0, 7)) {
  case 0:
    page_->death_reason = DeathReason::memory_limit;
    return exit(exit_failed);
  case 1:
    page_->death_reason = DeathReason::cpu_limit;
    return kernel_.end(*this, SIGKILL);
  case 2:
    page_->death_detail = 59;
    page_->death_reason = DeathReason::sandbox_violation;
    return exit(exit_failed);
  case 3:
    return kernel_.end(*this, SIGKILL); // the kernel's, for want of memory
  case 4:
    return exit(exit_protocol);
  case 5: // the page may say anything
    page_->death_reason = DeathReason::memory_limit;
    [[fallthrough]];
  default:
    if (runs_ > 0)
      world_.faults_us.push_back(world_.timeline.now_us());
    return kernel_.end(*this, SIGSEGV);
  }
}

// True: that is all it does with this request.
bool SimulatedWorker::tell_lie() {
  Random &random = world_.random;
  const uint32_t sequence = run_->sequence;
  world_.timeline.note("lies", pid(), run_->number);
  switch (random.between(0, 9)) {
  case 0: // of a request that it does not run
    channel_->add(sequence + 7, message::Done{.compiled = 0, .result = nobodys});
    flush();
    return false;
  case 1: // twice
    say(message::Done{.compiled = 0, .result = nobodys});
    return false;
  case 2:
    say(MessageType::fork, "\x01");
    return false;
  case 3:
    say(MessageType::console, "\x01");
    return false;
  case 4:
    say(MessageType::done, "\xff\xff\xff");
    return false;
  case 5:
    page_->lease = random.next();
    return false;
  case 6:
    page_->lease = 0;
    return false;
  case 7: // it hangs up, and lives on
    channel_.reset();
    return true;
  case 8: { // a frame without an end
    const FrameHeader header{UINT32_MAX, static_cast<uint16_t>(MessageType::done), 0, sequence};
    ::send(channel_->descriptor(), &header, sizeof header, MSG_NOSIGNAL);
    return true;
  }
  default: // says nothing any more
    run_->ignores_interrupts = true;
    return true;
  }
}

void SimulatedWorker::say(MessageType type, std::string_view body) {
  if (!channel_)
    return;
  channel_->add(type, run_->sequence, body);
  flush();
}

void SimulatedWorker::flush() {
  if (!channel_)
    return;
  switch (channel_->flush()) {
  case Channel::Status::ok:
    if (Ask *ask = world_.books.find(std::exchange(said_, 0)))
      ask->said_us = world_.timeline.now_us();
    return;
  case Channel::Status::again:
    return later(100, [this] { flush(); });
  default:
    return;
  }
}

void SimulatedWorker::close_descriptors() { channel_.reset(); }

void SimulatedWorker::gets_signal(int number) {
  if (number == SIGKILL)
    return kernel_.end(*this, number);
  if (!run_ || run_->ignores_interrupts || !channel_)
    return;
  later(world_.random.delay_us(100, 3000), [this, runs = runs_] {
    if (!run_ || runs_ != runs || !channel_)
      return;
    say(message::Failed{0, error_body(ErrorCode::deadline_exceeded, "interrupted")});
    after_answer();
  });
}

// It ends if its channel to the master is closed, too.
void SimulatedWorker::orphaned() {
  later(world_.random.delay_us(100, 1000), [this] {
    char byte;
    if (!channel_ || ::recv(channel_->descriptor(), &byte, 1, MSG_PEEK) == 0)
      exit(0);
  });
}

} // namespace lethe::simulation
