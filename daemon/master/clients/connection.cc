// SPDX-License-Identifier: Apache-2.0
// A client's bytes in: to messages, and the requests in flight that come of them.
#include "daemon/master/clients/connection.h"
#include "daemon/master/dispatch/dispatcher.h"
#include "daemon/master/operation/flaw.h"
#include "daemon/master/operation/log.h"

#include <algorithm>
#include <cerrno>
#include <sys/socket.h>

namespace lethe {
namespace {

constexpr size_t read_bytes = 64 * 1024;
// Of one connection in one round: then it is the turn of others.
constexpr int most_messages = 64;
constexpr size_t most_answer_bytes = 64 * 1024;

// Nearly all messages come complete, so that the connection itself holds no memory for input.
char shared_room[read_bytes];

} // namespace

Connection::Connection(Environment &environment, ConnectionOwner &owner, FileDescriptor socket,
                       Peer peer, std::optional<Error> refusal)
    : Flushable(environment.loop), environment_(environment), owner_(owner),
      socket_(std::move(socket)), refusal_(std::move(refusal)),
      state_(*this, environment.moves, refusal_ ? State::refused : State::serving),
      peer_(std::move(peer)), held_(environment.accounts.of(peer_.user)),
      skimmer_(environment.frame_depth()),
      readable_(environment.loop, socket_.get(), EV_READ, [this] { readable(); }),
      writable_(environment.loop, socket_.get(), EV_WRITE, [this] { flush(); }),
      stalled_(environment.loop,
               [this] {
                 if (!state_.is(State::giving_up)) {
                   ++environment_.counters.connections_stalled;
                   log_info("a client that did not read is disconnected");
                 }
                 close();
               }),
      unfinished_(environment.loop,
                  [this] {
                    ++environment_.counters.connections_stalled;
                    give_up(input_.view(),
                            Error(ErrorCode::invalid_request,
                                  fmt::format("the message did not end within {} ms",
                                              environment_.settings.stall_timeout_ms)));
                    input_.clear();
                  }),
      rest_(environment.loop, [this] { handle_rest(); }) {
  readable_.enable();
  if (refusal_)
    stalled_.start(environment_.settings.stall_timeout_ms * 1000); // for its first request
}

Connection::~Connection() {
  invariant(closed(), "a connection is closed before it goes", {"connection", serial});
}

std::string Connection::who() const { return fmt::format("connection {}", serial); }

void Connection::check_state() const {
  invariant(closed() == !socket_, "a connection has its socket until it is closed",
            {"connection", serial});
}

void Connection::close() {
  if (closed())
    return;
  let_go();
  socket_.reset();
  state_.move_to(State::closed);
  while (!requests_.empty())
    requests_.back()->dispatcher->cancel(*requests_.back(), false);
  owner_.connection_closed(*this);
}

// Everything but the socket.
void Connection::let_go() {
  stalled_.stop();
  unfinished_.stop();
  rest_.stop();
  readable_.disable();
  writable_.disable();
  output_.clear();
  input_.clear();
  count_bytes();
}

void Connection::take_over(ConnectionState state) {
  last_host_call_ = state.last_host_call;
  hello_ = std::move(state.hello);
  output_.append(state.output);
  input_.append(state.input);
  flush_later();
  handle_rest();
}

bool Connection::hand_over(ConnectionState &state) {
  flush(); // may close it
  if (!state_.is(State::serving, State::blocked) || unanswered_ != 0)
    return false;
  state.input = input_.view();
  state.output = output_.view();
  state.last_host_call = last_host_call_;
  state.hello = hello_;
  let_go();
  state.socket = std::move(socket_);
  state_.move_to(State::closed, "handed over");
  owner_.connection_closed(*this);
  return true;
}

// --- requests in flight ---

bool Connection::has(uint32_t msgid) const {
  return std::find(msgids_.begin(), msgids_.end(), msgid) != msgids_.end();
}

void Connection::list(Request &request) {
  invariant(!request.client, "a request has one client", {"msgid", request.msgid});
  request.client = this;
  request.client_index = requests_.size();
  requests_.push_back(&request);
  msgids_.push_back(request.msgid);
  request.held.move_to(account());
  request.count_bytes();
}

void Connection::forget_host_calls(Request &request) {
  worker_has_room(request); // or will never have
  if (request.host_calls == 0)
    return;
  std::erase_if(host_calls_, [&](const auto &call) { return call.second.request == &request; });
  request.host_calls = 0;
}

size_t Connection::held_bytes() const {
  size_t bytes = held_.bytes();
  for (const Request *request : requests_)
    bytes += request->held.bytes();
  return bytes;
}

void Connection::give_way() {
  Request *largest = nullptr;
  for (Request *request : requests_)
    if (request->lane && (!largest || request->held.bytes() > largest->held.bytes()))
      largest = request;
  if (largest && largest->held.bytes() >= held_.bytes())
    return largest->dispatcher->refuse(*largest, environment_.memory_error());
  if (!state_.is(State::serving) || output_.size() > input_.size())
    return close(); // what it has not read yet takes it too long
  give_up(input_.view(), environment_.memory_error());
  input_.clear();
  input_.shrink(0);
  count_bytes();
}

void Connection::forget(Request &request) {
  forget_host_calls(request);
  // The order of the requests means nothing: the last one takes the place of the one that goes.
  const size_t index = request.client_index;
  invariant(request.client == this && index < requests_.size() && requests_[index] == &request,
            "a request is answered once, by the client that lists it", {"msgid", request.msgid},
            {"index", index}, {"listed", requests_.size()});
  requests_[index] = requests_.back();
  requests_[index]->client_index = index;
  msgids_[index] = msgids_.back();
  requests_.pop_back();
  msgids_.pop_back();
  request.client = nullptr;
  request.forget_body(); // a worker may still hold it, but it never runs again
}

Lane &Connection::lane(size_t number, FairQueue &queue) {
  if (lanes_.size() <= number)
    lanes_.resize(number + 1);
  if (!lanes_[number]) {
    lanes_[number] = std::make_unique<WaitingLane>();
    lanes_[number]->queue = &queue;
    lanes_[number]->lane.blocked = state_.is(State::blocked);
  }
  return lanes_[number]->lane;
}

// --- input ---

void Connection::readable() {
  if (closed())
    return;
  if (state_.is(State::giving_up))
    return discard_input();
  if (rest_.pending() || unheard_)
    return; // what came before first
  const bool begun = !input_.empty();
  size_t wanted = read_bytes;
  // A long message is read in few calls: as much as is known to be missing of it, but no more than
  // has come already. What its head announces may never come.
  if (begun && skimmer_.position() > input_.size())
    wanted = std::max(wanted, std::min(skimmer_.position() - input_.size(), input_.size()));
  char *room = begun ? input_.reserve(wanted) : shared_room;
  const ssize_t received = ::recv(socket_.get(), room, wanted, 0);
  if (received < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (received <= 0)
    return close();
  const auto bytes = static_cast<size_t>(received);
  environment_.loop.read_clock_again(); // no deadline may count from before the receipt
  if (begun) {
    input_.commit(bytes);
    input_.consume(handle_messages(input_.view()));
  } else {
    const std::string_view arrived(room, bytes);
    input_.append(arrived.substr(handle_messages(arrived)));
  }
  input_.shrink(kept_bytes);
  if (!closed())
    count_bytes();
}

// May a message be handled now, or has its answer no room?
bool Connection::takes_messages() const {
  return state_.is(State::serving, State::refused) && !unheard_;
}

void Connection::handle_rest() {
  if (closed())
    return;
  input_.consume(handle_messages(input_.view()));
  if (!closed())
    count_bytes();
}

void Connection::go_on_reading() {
  unheard_ = nullptr;
  if (!state_.is(State::serving))
    return;
  readable_.enable();
  rest_.start(0);
}

// Returns how many bytes were handled; the rest is the beginning of a message, or waits until the
// output has room, or for the next round.
size_t Connection::handle_messages(std::string_view bytes) {
  const auto limit_bytes = static_cast<size_t>(environment_.settings.max_message_bytes);
  const size_t output_bytes = output_.size();
  size_t handled = 0;
  std::string_view before; // the message before
  for (int messages = 0; handled < bytes.size() && takes_messages(); ++messages) {
    if (messages == most_messages || output_full() ||
        output_.size() > output_bytes + most_answer_bytes) {
      rest_.start(0);
      break;
    }
    const std::string_view rest = bytes.substr(handled);
    const Skimmer::State state = skimmer_.advance(rest);
    // The position may lie beyond what has arrived: a head that announces too much is refused at
    // once.
    if (skimmer_.position() > limit_bytes) {
      give_up(rest, Error(ErrorCode::too_large, "the message is too long")
                        .with("limit_bytes", static_cast<int64_t>(limit_bytes)));
    } else if (state == Skimmer::State::incomplete) {
      // A message that has not outgrown one read holds little, and is let through.
      if (environment_.out_of_memory() && rest.size() > read_bytes && !owner_.make_room(*this))
        give_up(rest, environment_.memory_error());
      else if (!unfinished_.pending())
        unfinished_.start(environment_.settings.stall_timeout_ms * 1000);
      break;
    } else if (state == Skimmer::State::too_deep) {
      give_up(rest, Error(ErrorCode::invalid_request,
                          fmt::format("the message is nested deeper than {} levels",
                                      environment_.settings.max_depth)));
    } else if (state == Skimmer::State::malformed) {
      give_up(rest, Error(ErrorCode::invalid_request, "the message is not MessagePack"));
    } else {
      const std::string_view message = rest.substr(0, skimmer_.position());
      skimmer_.reset();
      unfinished_.stop();
      // A request is left to the next daemon, in the input that it gets; answers to host calls are
      // still wanted here.
      if (environment_.handing_over && readable_msgid(message)) {
        readable_.disable();
        break;
      }
      ++environment_.counters.messages;
      if (!handle_message(message))
        give_up(message, Error(ErrorCode::invalid_request, "the message is not MessagePack-RPC: " +
                                                               describe_flaw(rest, before)));
      before = message;
      handled += message.size();
      handled_bytes_ += message.size();
    }
  }
  return state_.is(State::giving_up, State::closed) ? bytes.size() : handled;
}

bool Connection::handle_message(std::string_view message) {
  Reader reader(message);
  const auto parts = reader.array();
  const auto type = parts ? reader.integer() : std::nullopt;
  if (parts == 3u && type == 2) {
    const auto method = reader.string();
    const auto params = reader.take_raw();
    if (!method || !params)
      return false;
    handle_notification(*method, *params);
    return true;
  }
  if (parts != 4u || (type != 0 && type != 1))
    return false;
  const auto msgid = reader.integer();
  if (!msgid || *msgid < 0 || *msgid > UINT32_MAX)
    return false;
  const auto id = static_cast<uint32_t>(*msgid);
  if (type == 1) {
    const auto error = reader.take_raw(), result = reader.take_raw();
    if (!error || !result)
      return false;
    handle_response(id, *error, *result);
    return true;
  }
  const auto method = reader.string();
  const auto params = reader.take_raw();
  if (!method || !params || !Reader(*params).array())
    return false;
  if (state_.is(State::refused)) {
    give_up(message, *refusal_);
    return true;
  }
  ++unanswered_;
  owner_.connection_asks(*this, id, *method, *params);
  return true;
}

void Connection::handle_notification(std::string_view method, std::string_view params) {
  const bool is_debug = method == "debug";
  if (method != "cancel" && !is_debug)
    return; // an unknown notification is ignored, as the specification has it
  Reader reader(params);
  const auto count = reader.array();
  const auto msgid = count == (is_debug ? 2u : 1u) ? reader.integer() : std::nullopt;
  if (!msgid)
    return;
  const auto found = std::find(msgids_.begin(), msgids_.end(), *msgid);
  if (found == msgids_.end())
    return; // answered already: the two messages crossed
  Request &request = *requests_[static_cast<size_t>(found - msgids_.begin())];
  if (is_debug)
    handle_debug_input(request, reader.rest());
  else
    request.dispatcher->cancel(request, true);
}

void Connection::handle_debug_input(Request &request, std::string_view message) {
  const auto input = read_message<message::DebugInput>(message);
  if (!input || !request.debugs || !request.worker)
    return; // the client was not told yet that there is a worker
  if (!request.worker->send_debug_input(request.sequence, *input))
    request.dispatcher->cancel(request, true);
}

void Connection::handle_response(uint32_t id, std::string_view error, std::string_view result) {
  const auto found = host_calls_.find(id);
  if (found == host_calls_.end())
    return;
  const HostCall call = found->second;
  host_calls_.erase(found);
  invariant(call.request->host_calls > 0, "a host call belongs to a request that made it",
            {"msgid", call.request->msgid});
  --call.request->host_calls;
  WorkerProcess *worker = call.request->worker;
  if (!worker || worker->send_host_reply(call.request->sequence, {call.call_id, error, result}))
    return;
  unheard_ = call.request;
  readable_.disable();
  unfinished_.stop();
}

void Connection::worker_has_room(Request &request) {
  if (unheard_ == &request)
    go_on_reading();
}

} // namespace lethe
