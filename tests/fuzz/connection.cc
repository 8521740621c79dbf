// SPDX-License-Identifier: Apache-2.0
// Any bytes of a client, good messages among them, and a debugged script at the other side: what is
// asked does not depend on the pieces in which it comes, each request has one answer, and what
// debugger and script say to each other arrives whole, in order, and at nobody else.
#include "daemon/master/clients/connection.h"
#include "daemon/master/dispatch/dispatcher.h"
#include "ipc/rpc.h"
#include "ipc/utf8.h"
#include "tests/fuzz/worker.h"

#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <map>

using namespace lethe;
using namespace lethe::fuzz;

namespace {

constexpr int64_t longest_message = 512, most_output = 1024;
constexpr uint32_t frame_depth = 16 + 4; // of these settings, and what goes around a value

using Text = std::optional<std::string>; // nothing: the worker is there, or the debugger has left
using Texts = std::vector<Text>;

// The whole messages at the begin of a stream. What is left of it may be the begin of one more.
struct Messages {
  std::map<uint32_t, Texts> debug; // by request
  std::map<uint32_t, int> requests, responses;
  std::vector<uint32_t> host_calls;
  std::string_view rest;

  explicit Messages(std::string_view stream) : rest(stream) {
    Skimmer skimmer(frame_depth + 256);
    while (!rest.empty() && skimmer.advance(rest) == Skimmer::State::complete) {
      read(rest.substr(0, skimmer.position()));
      rest.remove_prefix(skimmer.position());
      skimmer.reset();
    }
  }

private:
  void read(std::string_view message) {
    Reader reader(message);
    reader.array();
    const auto kind = reader.integer();
    if (kind != rpc_notification) {
      const auto id = reader.integer();
      if (!id)
        return;
      ++(kind == rpc_request ? requests : responses)[static_cast<uint32_t>(*id)];
      if (kind == rpc_request && reader.string() == "host.call")
        host_calls.push_back(static_cast<uint32_t>(*id));
      return;
    }
    const bool is_debug = reader.string() == "debug";
    reader.array();
    const auto id = reader.integer();
    Item item;
    if (is_debug && id && reader.next(item))
      debug[static_cast<uint32_t>(*id)].push_back(
          item.kind == Kind::nil ? std::nullopt : Text(std::string(item.bytes)));
  }
};

// Are these some of those, in their order?
bool are_of(const Texts &some, const Texts &all) {
  auto at = all.begin();
  for (const Text &text : some) {
    at = std::find(at, all.end(), text);
    if (at++ == all.end())
      return false;
  }
  return true;
}

// A script's process: hears its debugger, and answers.
struct Debuggee {
  std::unique_ptr<PlayedWorker> worker;
  std::optional<Channel> channel;
  uint32_t msgid = 0, sequence = 0;
  Texts heard, said{std::nullopt};
  size_t calls = 0, replies = 0; // of the host

  void listen() {
    if (!channel)
      return;
    while (channel->receive() == Channel::Status::ok) {
    }
    Frame frame;
    Channel::Status status{};
    while ((status = channel->next(frame, PeerState::debugging)) == Channel::Status::ok)
      hear(frame);
    check(status == Channel::Status::again);
  }
  template <typename Message> void say(const Message &message) {
    if (!channel)
      return;
    channel->add(sequence, message);
    channel->flush();
  }

private:
  void hear(const Frame &frame) {
    check(frame.sequence == sequence);
    if (frame.type == MessageType::host_reply) {
      const auto reply = frame.read<message::HostReply>();
      check(reply && is_one_value(reply->error, frame_depth) &&
            is_one_value(reply->result, frame_depth));
      check(++replies <= calls);
    } else {
      const auto input = frame.read<message::DebugInput>();
      check(static_cast<bool>(input));
      heard.push_back(input->text ? Text(std::string(*input->text)) : std::nullopt);
    }
  }
};

class Stage final : public ConnectionOwner, public DispatcherOwner {
public:
  Stage() {
    environment_.settings.max_message_bytes = longest_message;
    environment_.settings.max_output_bytes = most_output;
    environment_.settings.max_depth = frame_depth - 4;
    dispatcher_.emplace(environment_, *this, 0, "default", pool_);
    dispatcher_->use_generation(1, true);
    SocketPair pair = std::move(*make_socket_pair());
    for (const FileDescriptor &end : pair.ends)
      ::fcntl(end.get(), F_SETFL, O_NONBLOCK);
    const int least = 1; // so that a client that does not read is noticed
    ::setsockopt(pair.ends[0].get(), SOL_SOCKET, SO_SNDBUF, &least, sizeof least);
    client_ = std::move(pair.ends[1]);
    connection_ = std::make_shared<Connection>(environment_, *this, std::move(pair.ends[0]),
                                               Peer{1000, 1000, {}}, std::nullopt);
  }

  void act(Bytes &input) {
    const uint8_t what = input.byte();
    const uint32_t id = what / 16 % 4;
    Debuggee *debuggee = debuggees_.empty() ? nullptr : debuggees_[id % debuggees_.size()].get();
    switch (what % 16) {
    case 0:
      is_clean_ = false;
      return client_says(input.text());
    case 1:
      is_reading_ = !is_reading_;
      is_clean_ = false;
      return;
    case 2:
      is_clean_ = false;
      return pass(input.byte() * 20'000);
    case 3: { // in two pieces
      const std::string message = request(input.byte() % 2 ? "inspect" : "ping", id);
      const size_t cut = input.byte() % message.size();
      client_says(message.substr(0, cut));
      return client_says(message.substr(cut));
    }
    case 4:
    case 5:
      return client_says(request("inspect", id));
    case 6:
      return client_says(notification("cancel", id, 1));
    case 7:
    case 8:
      return debugger_says(id, what % 2 == 1 && what >= 128 ? Text() : input.text());
    case 9:
      return answer_host_call(input.text());
    case 10:
    case 11:
      return debuggee ? debuggee_says(*debuggee, input.text()) : void();
    case 12:
      return debuggee ? call_host(*debuggee) : void();
    case 13:
      return debuggee ? debuggee_ends(*debuggee, message::Done{0, "\xc3"}) : void();
    case 14: {
      const std::string text = input.text();
      if (debuggee) { // nothing more is heard of it, if that is no error
        debuggee_ends(*debuggee, message::Failed{0, text});
        debuggee->channel.reset();
      }
      return pass(0);
    }
    default:
      if (debuggee) {
        is_clean_ = false;
        debuggee->channel.reset();
      }
      return pass(0);
    }
  }

  // What is asked, if it comes in pieces of this size.
  void hear(std::string_view bytes, size_t piece) {
    is_clean_ = false;
    for (size_t at = 0; at < bytes.size(); at += piece)
      client_says(bytes.substr(at, piece));
  }
  const std::vector<std::string> &asked() const { return asked_; }

  void end() {
    is_reading_ = true;
    dispatcher_->abort_all(Error(ErrorCode::shutting_down, ""));
    go_on();
    for (const auto &debuggee : debuggees_) {
      kernel_.end(debuggee->worker->pid);
      if (!debuggee->worker->is_gone && !debuggee->worker->master->wait_status())
        dispatcher_->worker_ended(*debuggee->worker->master, SIGKILL);
      debuggee->channel.reset();
    }
    for (int rounds = 0; rounds < 4; ++rounds)
      pass(2'000'000);
    for (const auto &debuggee : debuggees_)
      check(debuggee->worker->is_gone);
    check_streams();
    check(dispatcher_->in_progress() == 0 && environment_.requests.in_use() == 0);
    connection_->close();
    connection_.reset();
    debuggees_.clear();
    check(environment_.buffered_bytes() == 0);
  }

private:
  // --- the daemon's parts around the two ---

  void connection_asks(Connection &connection, uint32_t msgid, std::string_view method,
                       std::string_view params) override {
    check(is_one_value(params, frame_depth));
    asked_.push_back(std::to_string(msgid) + ' ' + std::string(method) + ' ' + std::string(params));
    if (method != "inspect") {
      connection.begin_result(msgid).append(packed_nil);
    } else if (connection.has(msgid)) {
      connection.send_error(msgid, Error(ErrorCode::invalid_request, "it is in flight"));
    } else {
      Request &request = environment_.requests.take();
      request.msgid = msgid;
      request.dispatcher = &*dispatcher_;
      request.isolation = Isolation::process;
      request.debugs = request.once = true;
      request.step = -1;
      request.received_us = environment_.loop.now_us();
      request.deadline_us = request.received_us + 10'000'000;
      write_message(request.body,
                    message::Run{.kind = RunKind::inspect, .script = "s", .arguments = "\x90"});
      connection.list(request);
      dispatcher_->submit(request);
    }
  }
  bool make_room(const Connection &) override { return false; }
  void connection_drained() override { dispatcher_->go_on_debugging(); }
  void connection_closed(Connection &) override {}
  void worker_left(WorkerProcess &) override {}
  void worker_gone(WorkerProcess &gone) override {
    for (const auto &debuggee : debuggees_)
      if (debuggee->worker->master.get() == &gone) {
        debuggee->worker->is_gone = true;
        debuggee->channel.reset();
        environment_.loop.dispose(
            std::shared_ptr<WorkerProcess>(std::move(debuggee->worker->master)));
        return;
      }
    std::abort();
  }
  void fresh_worker_wanted() override { is_debuggee_wanted_ = true; }
  void all_is_done() override {}

  void add_debuggee() {
    auto debuggee = std::make_unique<Debuggee>();
    debuggee->worker =
        std::make_unique<PlayedWorker>(environment_, kernel_, *dispatcher_, ++last_pid_);
    ::fcntl(debuggee->worker->socket.get(), F_SETFL, O_NONBLOCK);
    debuggee->channel.emplace(std::move(debuggee->worker->socket), Party::master,
                              Channel::Carries::frames, 1u << 20);
    debuggees_.push_back(std::move(debuggee));
    Debuggee &added = *debuggees_.back();
    dispatcher_->add_debugging(*added.worker->master);
    const Request *request = added.worker->master->sent().front();
    if (!request) // it was cancelled, or its client is blocked
      return added.channel.reset();
    is_debuggee_wanted_ = dispatcher_->queued_to_debug() > 0;
    added.msgid = request->msgid;
    added.sequence = request->sequence;
    environment_.loop.run_round(false);
    while (added.channel->receive() == Channel::Status::ok) {
    }
    Frame frame;
    check(added.channel->next(frame, PeerState::idle) == Channel::Status::ok &&
          frame.type == MessageType::run && frame.sequence == added.sequence);
    added.worker->page->claim(added.sequence);
  }

  // --- who plays ---

  void pass(int64_t time_us) {
    clock_.time_us += time_us;
    go_on();
  }
  // Until nobody has anything more to do.
  void go_on() {
    for (int quiet = 0; quiet < 2;) {
      bool moved = environment_.loop.run_round(false);
      if (std::exchange(is_debuggee_wanted_, false) && debuggees_.size() < 16) {
        add_debuggee();
        moved = true;
      }
      for (const auto &debuggee : debuggees_)
        debuggee->listen();
      if (is_reading_)
        moved |= read_client();
      quiet = moved ? 0 : quiet + 1;
    }
  }
  bool read_client() {
    char room[4096];
    const size_t before = received_.size();
    ssize_t count = 0;
    while ((count = ::recv(client_.get(), room, sizeof room, 0)) > 0)
      received_.append(room, static_cast<size_t>(count));
    return received_.size() > before;
  }

  // As much as the socket takes.
  void client_says(std::string_view bytes) {
    const ssize_t sent = ::send(client_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0)
      said_ += bytes.substr(0, static_cast<size_t>(sent));
    is_clean_ &= sent == static_cast<ssize_t>(bytes.size());
    go_on();
  }
  static std::string request(std::string_view method, uint32_t id) {
    Buffer out;
    Packer packer(out);
    begin_request(packer, id);
    pack_string(packer, method);
    packer.pack_array(0);
    return std::string(out.view());
  }
  static std::string notification(std::string_view method, uint32_t id, uint32_t parameters,
                                  const Text &text = std::nullopt) {
    Buffer out;
    Packer packer(out);
    begin_notification(packer, method, id, parameters);
    if (text)
      pack_string(packer, *text);
    else if (parameters > 1)
      packer.pack_nil();
    return std::string(out.view());
  }
  // The newest of this number: one whose request was cancelled may still have it.
  Debuggee *running(uint32_t id) {
    const auto newest = std::find_if(debuggees_.rbegin(), debuggees_.rend(),
                                     [id](const auto &debuggee) { return debuggee->msgid == id; });
    const bool runs = newest != debuggees_.rend() && (*newest)->channel && connection_->has(id) &&
                      (*newest)->worker->master && !(*newest)->worker->master->sent().empty();
    return runs ? newest->get() : nullptr;
  }
  void debugger_says(uint32_t id, const Text &text) {
    Debuggee *to = running(id);
    const size_t heard = to ? to->heard.size() : 0;
    client_says(notification("debug", id, 2, text));
    if (to && is_clean_)
      check(to->heard.size() == heard + 1 && to->heard.back() == text);
  }
  void debuggee_says(Debuggee &debuggee, const std::string &text) {
    is_clean_ &= is_utf8(text); // a worker says nothing else
    debuggee.said.emplace_back(text);
    debuggee.say(message::DebugOutput{text});
    const bool is_heard = running(debuggee.msgid) == &debuggee;
    go_on();
    if (is_heard && is_clean_) {
      const Texts texts = Messages(received_).debug[debuggee.msgid];
      check(!texts.empty() && texts.back() == text);
    }
  }
  void call_host(Debuggee &debuggee) {
    ++debuggee.calls;
    debuggee.say(message::HostCall{.call_id = 1, .name = "f", .arguments = "\x90"});
    go_on();
  }
  void answer_host_call(const std::string &result) {
    const Messages received(received_);
    if (received.host_calls.empty())
      return;
    Buffer out;
    Packer packer(out);
    begin_response(packer, received.host_calls.back());
    packer.pack_nil();
    out.append(result);
    is_clean_ &= is_one_value(result, 8);
    client_says(out.view());
  }
  template <typename Message> void debuggee_ends(Debuggee &debuggee, const Message &message) {
    is_clean_ &= running(debuggee.msgid) == &debuggee;
    debuggee.say(message);
    go_on();
  }

  // What has gone through the connection, after each request was answered or given up.
  void check_streams() {
    Messages said(said_), received(received_);
    check(received.rest.empty() || connection_->closed());
    for (const auto &[id, count] : received.responses)
      check(count <= said.requests[id] + (said.rest.empty() ? 0 : 1));
    if (is_clean_)
      check(received.responses == said.requests && !connection_->closed());
    std::map<uint32_t, Texts> by_debuggees;
    for (const auto &debuggee : debuggees_) {
      check(are_of(debuggee->heard, said.debug[debuggee->msgid]));
      Texts &texts = by_debuggees[debuggee->msgid];
      texts.insert(texts.end(), debuggee->said.begin(), debuggee->said.end());
    }
    for (const auto &[id, texts] : received.debug)
      check(are_of(texts, by_debuggees[id]));
  }

  PlayedClock clock_;
  PlayedKernel kernel_;
  Environment environment_{clock_, kernel_};
  PoolSettings pool_;
  std::optional<Dispatcher> dispatcher_;
  std::shared_ptr<Connection> connection_;
  FileDescriptor client_;
  std::vector<std::unique_ptr<Debuggee>> debuggees_;
  std::vector<std::string> asked_;
  std::string said_, received_; // by the client
  bool is_debuggee_wanted_ = false;
  bool is_reading_ = true;
  bool is_clean_ = true; // all that happened was good, and read at once: then nothing is lost
  pid_t last_pid_ = 100'000;
};

std::vector<std::string> asked_in(std::string_view bytes, size_t piece) {
  Stage stage;
  stage.hear(bytes, piece);
  std::vector<std::string> asked = stage.asked();
  stage.end();
  return asked;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const int before = next_descriptor();
  Bytes input(data, size);
  if (const uint8_t kind = input.byte(); kind % 4 == 0) {
    const std::string bytes = input.rest();
    check(asked_in(bytes, bytes.size() + 1) == asked_in(bytes, 1 + kind / 4));
  } else {
    Stage stage;
    for (int acts = 0; acts < 32 && !input.empty(); ++acts)
      stage.act(input);
    stage.end();
  }
  check(next_descriptor() == before);
  return 0;
}
