// SPDX-License-Identifier: Apache-2.0
// One client: its socket, its messages, its unanswered requests, its output.
#pragma once

#include "daemon/master/clients/access.h"
#include "daemon/master/clients/handover.h"
#include "daemon/master/dispatch/client.h"
#include "daemon/master/dispatch/environment.h"
#include "daemon/master/dispatch/fair_queue.h"
#include "daemon/master/operation/hello.h"
#include "ipc/file_descriptor.h"
#include "ipc/message_pack.h"
#include "ipc/messages.h"

#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace lethe {

class Connection;

class ConnectionOwner {
public:
  // One complete request, of the right shape; `params` is an array.
  virtual void connection_asks(Connection &connection, uint32_t msgid, std::string_view method,
                               std::string_view params) = 0;
  // Memory for messages is used up: makes room at the cost of who holds most. False: there is none,
  // as that is who asks.
  virtual bool make_room(const Connection &asking) = 0;
  // A client reads again: what it has waiting may be started.
  virtual void connection_drained() = 0;
  // The connection has cancelled all that it had in flight; to be let go.
  virtual void connection_closed(Connection &connection) = 0;

protected:
  ~ConnectionOwner() = default;
};

// Trusts nothing that the client sends. Memory: at most one message being received, the output up
// to its bound and the results of what already ran.
//
//   serving ◄──► blocked         ► it does not read its output, ◄ the output has gone
//   serving, refused ─► giving_up
//   each ─► closed
//
// serving: it reads and answers, unless a worker does not take the answers to its host calls: then it
// waits with reading until that has changed. blocked: nothing more of it is read, and its lanes are
// passed over.
// refused: the first request gets `refusal_` as its answer. giving_up: all is cancelled, the output
// is sent, what comes is dropped, and it closes after a second at the latest. Time is limited in both
// directions: `stalled_` ends whoever does not read, `unfinished_` who begins a message and does not
// end it.
class Connection final : public std::enable_shared_from_this<Connection>, public Client, Flushable {
public:
  enum class State : uint8_t { serving, blocked, refused, giving_up, closed };
  static constexpr StateRow states[] = {
      {"serving", to(State::blocked, State::giving_up, State::closed)},
      {"blocked", to(State::serving, State::closed)},
      {"refused", to(State::giving_up, State::closed)},
      {"giving up", to(State::closed)},
      {"closed", 0}};

  // `refusal`: why it is not served. It gets this answer to its first request.
  Connection(Environment &environment, ConnectionOwner &owner, FileDescriptor socket, Peer peer,
             std::optional<Error> refusal);
  ~Connection();

  uint64_t serial = 0; // its owner's, of those it accepted
  std::string who() const;
  void check_state() const;
  const Peer &peer() const { return peer_; }
  const Hello &hello() const { return hello_; }
  // In force from now on, also for what is in flight; `numbers` for requests that come.
  void greet(Hello hello) { hello_ = std::move(hello); }
  const AccountPointer &account() const override { return held_.account(); }
  bool closed() const { return state_.is(State::closed); }
  bool refused() const { return refusal_.has_value(); }
  void close();
  // Of its input, its output and its requests.
  size_t held_bytes() const;
  // Gives up the most that it holds: a request that waits, or itself.
  void give_way();
  // Goes on where an earlier daemon's connection ended.
  void take_over(ConnectionState state);
  // Leaves this connection closed without the client noticing. False: it has unanswered requests,
  // or is about to be disconnected.
  bool hand_over(ConnectionState &state);

  // Requests in flight. A request is listed until it is answered (send_…, forget).
  bool has(uint32_t msgid) const;
  size_t unanswered() const { return static_cast<size_t>(unanswered_); } // of any method
  void list(Request &request);
  void forget(Request &request) override;
  void forget_host_calls(Request &request) override;
  Lane &lane(size_t number, FairQueue &queue) override;

  void send_result(Request &request, std::string_view result) override;
  void send_error(Request &request, const Error &error) override;
  void send_raw_error(Request &request, std::string_view error_map) override;
  void send_console(const Request &request, std::string_view level, std::string_view text) override;
  void send_stats(const Request &request, const RunStats &stats) override;
  bool send_debug_output(const Request &request, std::optional<std::string_view> text) override;
  bool awaits_room() const override { return room_awaited_; }
  void send_host_call(Request &request, const message::HostCall &call) override;
  void worker_has_room(Request &request) override;

  // For methods that are answered without a Request.
  Buffer &begin_result(uint32_t msgid);
  void send_error(uint32_t msgid, const Error &error);

private:
  struct HostCall {
    Request *request;
    uint32_t call_id;
  };
  struct WaitingLane {
    Lane lane;
    FairQueue *queue = nullptr;
  };

  static constexpr size_t kept_bytes = 16 * 1024; // of an idle connection's buffers

  void readable();
  void handle_rest();
  size_t handle_messages(std::string_view bytes);
  bool handle_message(std::string_view message);
  void handle_notification(std::string_view method, std::string_view params);
  void handle_debug_input(Request &request, std::string_view message);
  void handle_response(uint32_t id, std::string_view error, std::string_view result);
  void give_up(std::string_view message, const Error &error);
  void tell_why(std::string_view message, const Error &error);
  void log_why(const Error &error);
  static std::optional<uint32_t> readable_msgid(std::string_view message);
  void discard_input();
  void flush() override;
  void count_bytes();
  bool output_full() const;
  bool takes_messages() const;
  void go_on_reading();
  void answered(); // one request of any method
  void block();
  void unblock();
  void block_lanes(bool blocked);
  void let_go();

  Environment &environment_;
  ConnectionOwner &owner_;
  FileDescriptor socket_;
  std::optional<Error> refusal_;
  StateMachine<Connection, State> state_;
  Peer peer_;
  Hello hello_;
  Holding held_;               // of input and output
  Buffer input_;               // the beginning of a message
  uint64_t handled_bytes_ = 0; // of its stream: where the message that comes next begins
  Buffer output_;
  Skimmer skimmer_;
  bool room_awaited_ = false; // connection_drained() is to be called
  std::vector<Request *> requests_;
  std::vector<uint32_t> msgids_; // of requests_, in the same order: quick to search
  std::vector<std::unique_ptr<WaitingLane>> lanes_;
  int64_t unanswered_ = 0; // requests of any method
  std::unordered_map<uint32_t, HostCall> host_calls_;
  uint32_t last_host_call_ = 0; // 0: none
  Request *unheard_ = nullptr;  // whose worker takes no more answers: nothing is read until it does
  Watch readable_, writable_;
  size_t due_bytes_ = 0; // of the output: to be sent before `stalled_` is due
  Timer stalled_;        // it does not read its output, or it lingers
  Timer unfinished_;     // the message that has begun
  Timer rest_;           // of the input: handled in the next round
};

} // namespace lethe
