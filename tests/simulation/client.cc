// SPDX-License-Identifier: Apache-2.0
// What a client sends, and what it makes of the answers.
#include "tests/simulation/client.h"
#include "ipc/error.h"
#include "ipc/rpc.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

using namespace std::string_literals;

namespace lethe::simulation {

SimulatedClient::SimulatedClient(World &world, size_t number, std::string socket,
                                 const Manners &manners)
    : Ear(world), number_(number), socket_path_(std::move(socket)), manners_(manners) {
  may_be_closed_ = manners_.is_slow_reader || manners_.may_be_displaced;
  world_.timeline.after(world_.random.between(0, 100'000), [this] { connect(); });
}

bool SimulatedClient::is_done() const {
  return closing_ != Closing::open ||
         (!clings() && sent_messages_ >= manners_.messages && output_.empty() && unanswered_ == 0);
}

void SimulatedClient::connect() {
  socket_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // An abstract name, by which the simulation tells who it is.
  const std::string name = "\0"s + fmt::format("lethe-{}-{}-{}", manners_.user, getpid(), number_);
  name.copy(address.sun_path, sizeof address.sun_path);
  if (bind(socket_.get(), reinterpret_cast<const sockaddr *>(&address),
           static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size())) < 0)
    fatal("a simulated client has a name");
  address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket_path_.data(), socket_path_.size());
  if (::connect(socket_.get(), reinterpret_cast<const sockaddr *>(&address), sizeof address) < 0)
    return closed(); // the daemon has stopped
  world_.timeline.note("connects", static_cast<int64_t>(number_));
  world_.ears.add(*this, socket_.get());
  act();
}

// --- what it sends ---

void SimulatedClient::act_later() {
  const int64_t delay_us =
      manners_.floods ? 0 : world_.random.delay_us(300, world_.random.one_in(4) ? 50'000 : 2000);
  world_.timeline.after(delay_us, [this] { act(); });
}

void SimulatedClient::act() {
  if (closing_ != Closing::open)
    return;
  if (sent_messages_ >= manners_.messages)
    return cling();
  if (manners_.clinging == Clinging::reads_no_more && is_connected_ &&
      sent_messages_ > manners_.messages / 2)
    is_deaf_ = may_be_closed_ = true; // with whatever is due to it
  const Mix &mix = world_.mix;
  if (world_.happens(mix.leaving))
    return leave();
  if (world_.happens(mix.garbage))
    return send_garbage();
  ++sent_messages_;
  if (world_.happens(mix.operation))
    operate();
  else
    ask_something();
  if (world_.happens(mix.cancels))
    cancel_one();
  send_all();
  act_later();
}

uint32_t SimulatedClient::begin(std::string_view method, uint32_t parameters) {
  Packer packer(output_);
  begin_request(packer, ++last_msgid_);
  pack_string(packer, method);
  packer.pack_array(parameters);
  awaited_[last_msgid_] = {};
  ++unanswered_;
  return last_msgid_;
}

void SimulatedClient::ask_something() {
  Random &random = world_.random;
  const size_t before = output_.size();
  const bool has_deadline = random.one_in(3);
  Ask &ask = world_.books.open(number_,
                               has_deadline ? random.one_of({1, 5, 20, 60}) : manners_.deadline_ms);
  ask.reader_is_slow = manners_.is_slow_reader || manners_.clinging == Clinging::reads_no_more;
  const int64_t kind = random.between(0, 5);
  ask.idempotent = kind != 5 && random.one_in(3);
  uint32_t msgid = 0;
  Packer packer(output_);
  if (kind <= 2) {
    msgid = begin("eval", 2);
    pack_string(packer, fmt::format("{}", ask.number));
  } else if (kind <= 4) {
    msgid = begin("call", 4);
    pack_string(packer, "s");
    pack_string(packer, "f");
    packer.pack_array(1).pack_int64(ask.number);
  } else {
    msgid = begin("chain", 3);
    const auto steps = static_cast<uint32_t>(random.between(1, 4));
    packer.pack_array(steps);
    ask.steps = static_cast<int>(steps);
    for (uint32_t step = 0; step < steps; ++step) {
      packer.pack_array(2);
      pack_string(packer, "s");
      pack_string(packer, fmt::format("f{}", step));
    }
    packer.pack_int64(ask.number);
  }
  const bool wants_stats = random.one_in(8), wants_console = random.one_in(8);
  const bool wants_process = random.one_in(12);
  const bool elsewhere = !manners_.second_pool.empty() && kind <= 2 && random.one_in(2);
  if (elsewhere && !has_deadline)
    ask.deadline_ms = manners_.second_deadline_ms;
  packer.pack_map(has_deadline + ask.idempotent + wants_stats + wants_console + wants_process +
                  elsewhere);
  const auto set = [&packer](bool given, std::string_view key) {
    if (given) {
      pack_string(packer, key);
      packer.pack_true();
    }
  };
  set(ask.idempotent, "idempotent");
  set(wants_stats, "stats");
  set(wants_console, "console");
  if (has_deadline) {
    pack_string(packer, "deadline_ms");
    packer.pack_int64(ask.deadline_ms);
  }
  if (wants_process) {
    pack_string(packer, "isolation");
    pack_string(packer, "process");
  }
  if (elsewhere) {
    pack_string(packer, "pool");
    pack_string(packer, manners_.second_pool);
  }
  awaited_[msgid].ask = &ask;
  written_bytes_ += output_.size() - before;
  ends_[written_bytes_] = &ask;
}

void SimulatedClient::operate() {
  Random &random = world_.random;
  const size_t before = output_.size();
  Packer packer(output_);
  if (world_.happens(world_.mix.reloads)) {
    begin("reload", 0);
  } else {
    const char *names[] = {"s", "t", "u", "bad"};
    switch (random.between(0, 10)) {
    case 0:
    case 1:
    case 2:
      begin("script.put", 2);
      pack_string(packer, names[random.between(0, 3)]);
      pack_string(packer, "function f() {} //" + std::to_string(random.between(0, 3)));
      break;
    case 3:
      begin("script.delete", 1);
      pack_string(packer, names[random.between(1, 3)]);
      break;
    case 4:
      begin("pause", 0);
      world_.timeline.after(random.between(100, 60'000), [this] {
        if (closing_ != Closing::open)
          return;
        const size_t size = output_.size();
        begin("resume", 0);
        written_bytes_ += output_.size() - size;
        send_all();
      });
      break;
    case 5:
      begin(random.one_in(4) ? "drain" : "resume", 0);
      break;
    case 6:
      begin("stats", 0);
      break;
    case 7:
      begin("script.list", 0);
      break;
    case 8:
      begin("no.such.method", 0);
      break;
    case 9:
      begin("script.release", 1);
      pack_string(packer, "s");
      break;
    default:
      begin("ping", 0);
    }
  }
  written_bytes_ += output_.size() - before;
}

void SimulatedClient::cancel_one() {
  std::vector<std::pair<uint32_t, Ask *>> open;
  for (const auto &[msgid, awaited] : awaited_)
    if (awaited.ask && !awaited.answered)
      open.emplace_back(msgid, awaited.ask);
  if (open.empty())
    return;
  const auto [msgid, ask] = open[world_.random.next() % open.size()];
  const size_t before = output_.size();
  Packer packer(output_);
  begin_notification(packer, "cancel", msgid, 1);
  written_bytes_ += output_.size() - before;
  ask->cancelled_us = world_.timeline.now_us();
}

void SimulatedClient::send_garbage() {
  const char *junk[] = {"\xc1", "\x94\x07\x01\xa1x\x90", "\x93\x00\x01\x02",
                        "\x94\x00\x01\xa4"
                        "eval\x81"};
  output_.append(junk[world_.random.between(0, 3)]);
  written_bytes_ = SIZE_MAX / 2; // nothing after it is a message
  sent_messages_ = manners_.messages;
  may_be_closed_ = true;
  send_all();
  // What is incomplete is no reason for the daemon to close.
  world_.timeline.after(world_.random.between(0, 100'000), [this] { leave(); });
}

void SimulatedClient::probe() {
  if (closing_ != Closing::open || written_bytes_ >= SIZE_MAX / 2)
    return;
  for (const std::string &pool : {"default"s, manners_.second_pool}) {
    if (pool.empty())
      continue;
    const size_t before = output_.size();
    Ask &ask = world_.books.open(number_, 1000);
    ask.reader_is_slow = manners_.is_slow_reader;
    ask.is_probe = true;
    awaited_[begin("eval", 2)].ask = &ask;
    Packer packer(output_);
    pack_string(packer, fmt::format("{}", ask.number));
    packer.pack_map(2);
    pack_string(packer, "pool");
    pack_string(packer, pool);
    pack_string(packer, "deadline_ms");
    packer.pack_int64(ask.deadline_ms);
    written_bytes_ += output_.size() - before;
    ends_[written_bytes_] = &ask;
  }
  send_all();
}

// It has been heard before: while the daemon starts, it bears everything.
void SimulatedClient::cling() {
  if (!clings() || written_bytes_ >= SIZE_MAX / 2)
    return;
  if (!is_connected_ || (unanswered_ > 0 && !is_deaf_))
    return world_.timeline.after(1000, [this] { act(); });
  manners_.clinging == Clinging::reads_no_more ? ask_too_much() : begin_without_end();
}

// Answers that no socket takes, and that are there at once.
void SimulatedClient::ask_too_much() {
  is_deaf_ = asks_too_much_ = may_be_closed_ = true;
  const size_t before = output_.size();
  for (int i = 0; i < 100; ++i)
    begin("stats", 0);
  written_bytes_ += output_.size() - before;
  send_all();
}

void SimulatedClient::begin_without_end() {
  may_be_closed_ = true;
  begin("eval", 2);
  Packer(output_).pack_bin(1000);
  written_bytes_ = SIZE_MAX / 2; // nothing after it is a message
  send_all();
  expect_end();
  if (world_.random.one_in(2))
    trickle();
}

// That it goes on is no excuse.
void SimulatedClient::trickle() {
  world_.timeline.after(world_.random.between(1000, 50'000), [this] {
    if (closing_ != Closing::open)
      return;
    output_.append("x");
    send_all();
    trickle();
  });
}

void SimulatedClient::expect_end() {
  if (std::exchange(end_is_due_, true))
    return;
  world_.timeline.note("clings", static_cast<int64_t>(number_));
  world_.timeline.after(manners_.stall_ms * 1000 + Books::bound_us, [this] {
    if (closing_ == Closing::open && !daemon_stops_)
      world_.books.violated(is_deaf_ ? "a client that reads no more is disconnected in time"
                                     : "a client that ends no message is disconnected in time",
                            fmt::format("client {} after {} ms", number_, manners_.stall_ms));
  });
}

// A part of what is there, and the rest a little later.
void SimulatedClient::send_all() {
  if (sends_ || closing_ != Closing::open || output_.empty())
    return;
  size_t bytes = output_.size();
  if (world_.random.one_in(6))
    bytes = static_cast<size_t>(world_.random.between(1, static_cast<int64_t>(bytes)));
  const ssize_t sent = ::send(socket_.get(), output_.data(), bytes, MSG_NOSIGNAL);
  if (sent > 0) {
    output_.consume(static_cast<size_t>(sent));
    sent_bytes_ += static_cast<size_t>(sent);
    while (!ends_.empty() && ends_.begin()->first <= sent_bytes_) {
      ends_.begin()->second->sent_us = world_.timeline.now_us();
      ends_.erase(ends_.begin());
    }
  } else if (errno != EAGAIN) {
    return; // it will hear that the daemon has closed
  }
  if (asks_too_much_ && (output_.empty() || sent < 0)) // else the daemon has not got it all
    expect_end();
  if (output_.empty())
    return;
  sends_ = true;
  world_.timeline.after(world_.random.delay_us(200, 5000), [this] {
    sends_ = false;
    send_all();
  });
}

// --- what it hears ---

int64_t SimulatedClient::hearing_us() {
  Random &random = world_.random;
  if (!manners_.is_slow_reader || world_.is_quiet)
    return random.delay_us(30, 400);
  return random.one_in(8) ? random.between(50'000, 3'000'000) : random.between(500, 30'000);
}

void SimulatedClient::hear() {
  if (closing_ != Closing::open)
    return;
  if (is_deaf_)
    return look_for_end();
  const size_t most = manners_.is_slow_reader ? 3000 : 64 * 1024;
  const ssize_t received = ::recv(socket_.get(), input_.reserve(most), most, 0);
  if (received < 0 && errno == EAGAIN)
    return;
  if (received <= 0)
    return closed();
  is_connected_ = true;
  input_.commit(static_cast<size_t>(received));
  read_messages();
  prick(); // there may be more
}

void SimulatedClient::look_for_end() {
  pollfd end{socket_.get(), 0, 0};
  if (::poll(&end, 1, 0) > 0 && (end.revents & POLLHUP) != 0)
    closed();
}

void SimulatedClient::read_messages() {
  while (!input_.empty() && closing_ == Closing::open) {
    const Skimmer::State state = skimmer_.advance(input_.view());
    if (state == Skimmer::State::incomplete)
      return;
    if (state != Skimmer::State::complete)
      return world_.books.violated("the daemon sends messages", fmt::format("client {}", number_));
    const std::string message(input_.view().substr(0, skimmer_.position()));
    input_.consume(message.size());
    skimmer_.reset();
    Reader reader(message);
    const auto parts = reader.array();
    const auto type = reader.integer();
    if (parts == 4u && type == 1) {
      read_response(reader);
    } else if (parts == 4u && type == 0) {
      answer_host_call(reader);
    } else if (parts == 3u && type == 2) {
      if (reader.string() == "closed") {
        if (!may_be_closed_)
          world_.books.violated("the daemon closes no connection without a reason",
                                fmt::format("client {}", number_));
        continue;
      }
      reader.array();
      const auto awaited = awaited_.find(static_cast<uint32_t>(reader.integer().value_or(0)));
      if (awaited == awaited_.end() || awaited->second.answered)
        world_.books.violated("notifications come before the reply",
                              fmt::format("client {}", number_));
    } else {
      world_.books.violated("the daemon sends messages", fmt::format("client {}", number_));
    }
  }
}

void SimulatedClient::read_response(Reader &reader) {
  const auto msgid = static_cast<uint32_t>(reader.integer().value_or(0));
  std::string code, text;
  const std::string_view error = reader.take_raw().value_or("");
  if (error != packed_nil) {
    Reader map(error);
    const auto pairs = map.map();
    for (uint32_t i = 0; pairs && i < *pairs; ++i) {
      const auto key = map.string();
      const auto value = map.take_raw().value_or("");
      if (key == "code")
        code = Reader(value).string().value_or("");
      else if (key == "message")
        text = Reader(value).string().value_or("");
    }
    if (code.empty())
      world_.books.violated("an error has a code", fmt::format("client {}", number_));
  }
  if (code == "overloaded" && text.find("connections") != text.npos)
    may_be_closed_ = true;
  const auto awaited = awaited_.find(msgid);
  if (awaited == awaited_.end())
    return written_bytes_ >= SIZE_MAX / 2
               ? void()
               : world_.books.violated("a reply is for a request",
                                       fmt::format("client {} msgid {}", number_, msgid));
  if (std::exchange(awaited->second.answered, true))
    return world_.books.violated("a request has one reply",
                                 fmt::format("client {} msgid {}", number_, msgid));
  --unanswered_;
  Ask *ask = awaited->second.ask;
  world_.timeline.note(code.empty() ? "gets a result" : code, ask ? ask->number : -1);
  if (!ask)
    return;
  if (text.starts_with("the connection is closed: ")) {
    if (!may_be_closed_)
      world_.books.violated("the daemon closes no connection without a reason",
                            fmt::format("client {}", number_));
    ask->cancelled_us = ask->sent_us; // by what it has sent since
  }
  Item item;
  reader.next(item);
  if (item.kind == Kind::array)
    reader.next(item);
  world_.books.a_request_has_one_reply_in_time(*ask, code, item.integer, world_.timeline.now_us(),
                                               manners_.grace_ms);
  if (!daemon_stops_)
    world_.books.a_probe_is_served(*ask);
}

void SimulatedClient::answer_host_call(Reader &reader) {
  Random &random = world_.random;
  const auto id = static_cast<uint32_t>(reader.integer().value_or(0));
  if (!world_.is_quiet && random.one_in(20)) // never
    return;
  world_.timeline.after(random.delay_us(200, 40'000), [this, id] {
    if (closing_ != Closing::open || written_bytes_ >= SIZE_MAX / 2)
      return;
    for (int64_t times = world_.random.one_in(10) ? 2 : 1; times > 0; --times) {
      const size_t before = output_.size();
      Packer packer(output_);
      begin_response(packer, id);
      packer.pack_nil().pack_true();
      written_bytes_ += output_.size() - before;
    }
    send_all();
  });
}

// --- its end ---

void SimulatedClient::leave() {
  if (closing_ != Closing::open)
    return;
  world_.timeline.note("leaves", static_cast<int64_t>(number_));
  closing_ = Closing::left;
  if (is_connected_) // else the daemon may not have accepted it yet
    gone_us_ = world_.timeline.now_us();
  socket_.reset();
  excuse_all();
}

void SimulatedClient::closed() {
  world_.timeline.note("is closed", static_cast<int64_t>(number_));
  closing_ = Closing::by_daemon;
  if (is_connected_) // else the daemon may not have accepted it yet
    gone_us_ = world_.timeline.now_us();
  socket_.reset();
  if (may_be_closed_ || (daemon_stops_ && !is_connected_))
    return excuse_all();
  if (!daemon_stops_)
    return world_.books.violated("the daemon closes no connection without a reason",
                                 fmt::format("client {}", number_));
  // What came too late to be read.
  const int64_t late_us = stop_us_ - Books::bound_us;
  for (auto &[msgid, awaited] : awaited_)
    if (awaited.ask && (awaited.ask->sent_us < 0 || awaited.ask->sent_us > late_us))
      awaited.ask->excused = true;
}

void SimulatedClient::excuse_all() {
  for (auto &[msgid, awaited] : awaited_)
    if (awaited.ask)
      awaited.ask->excused = true;
}

} // namespace lethe::simulation
