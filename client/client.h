// SPDX-License-Identifier: Apache-2.0
// What lethe_client and lethe_request are: requests in flight on one connection, and how threads
// share its socket.
#pragma once

#include "client/include/lethe.h"
#include "client/reply.h"
#include "client/transport.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <unordered_map>

namespace lethe {

using Clock = std::chrono::steady_clock;

// Something that comes before a request's reply and that a handler is to get.
struct Event {
  enum class Kind : uint8_t { console, stats, host_call };
  Kind kind;
  uint32_t call_id;  // host_call
  std::string name;  // console: the level; host_call: the function
  std::string bytes; // console: the text; stats: the figures; host_call: the arguments
};

// A thread that sleeps until something comes for it: on the condition, or, while it drives the
// socket for all, in poll().
struct Waiter {
  std::condition_variable condition;
  bool leads = false;
};

template <typename Function> struct Handler {
  Function function = nullptr;
  void *user = nullptr;
};

} // namespace lethe

// Everything but `client`, `turn`, `completion` and `user` is guarded by the client's mutex.
struct lethe_request : std::enable_shared_from_this<lethe_request> {
  std::shared_ptr<lethe_client> client;
  uint64_t turn = 0; // in the order in which requests were made
  uint32_t id() const { return static_cast<uint32_t>(turn); } // in messages
  lethe_completion completion = nullptr;
  void *user = nullptr;
  lethe::Clock::time_point give_up_at;
  std::string body; // while it waits: the method and the parameters, packed
  uint64_t begin = 0, body_begin = 0, end = 0; // in the stream of all output: what was not sent
                                               // was not run
  bool cancelled = false;                      // its cancel is in the output, too

  std::deque<lethe::Event> events;
  std::unique_ptr<lethe_reply> reply;
  bool done = false;
  bool running = false;                  // a thread is in one of its handlers
  bool queued = false;                   // in the client's ready_
  lethe::Waiter *waiter = nullptr;       // the thread in lethe_wait()
  std::shared_ptr<lethe_request> handle; // the caller's share, until it is freed or completed
};

// Threads: one mutex guards all. A thread that must wait while nobody leads becomes the leader: it
// polls the socket without the mutex, then reads, and hands out what has come; the others sleep. A
// leader that has what it wants wakes one of them to lead. Handlers run without the mutex and never
// on the leader.
struct lethe_client : std::enable_shared_from_this<lethe_client> {
  using Clock = lethe::Clock;
  using Lock = std::unique_lock<std::mutex>;
  using Request = std::shared_ptr<lethe_request>;

  lethe_client(const std::string &path, std::chrono::milliseconds connect_timeout);

  // 0, or the errno of the last attempt.
  int open();
  void close();

  // `body`: the method and the parameters, packed.
  Request submit(std::string_view body, std::chrono::milliseconds timeout,
                 lethe_completion completion, void *user);
  // A request that fails before it is sent, in the way in which others fail.
  Request refuse(std::string_view why, lethe_completion completion, void *user);
  void set_limits(size_t max_in_flight, size_t max_message_bytes);
  lethe_reply *wait(lethe_request &request, Clock::time_point limit);
  void cancel(lethe_request &request);
  void abandon(lethe_request &request);
  size_t dispatch(std::chrono::milliseconds limit);
  int descriptor() const { return poll_set_.get(); }

  // Answers a host call of the connection `epoch`; nothing happens if that one is gone.
  void answer(uint64_t epoch, uint32_t call_id, std::string_view error, std::string_view result);
  std::string unreachable_message() const { return transport_.unreachable_message(last_error_); }

  void set_console_handler(lethe::Handler<lethe_console_handler> handler);
  void set_stats_handler(lethe::Handler<lethe_stats_handler> handler);
  void set_host_handler(const char *name, lethe::Handler<lethe_host_handler> handler);

  std::shared_ptr<lethe_client> handle; // the caller's share, until lethe_close()

private:
  // Connection (client.cc)
  void try_connect(Clock::time_point now);
  void pump(Clock::time_point now);
  void lose(std::string_view reason);
  void fail_lost(lethe_request &request, bool may_have_run, std::string_view reason);
  void fail_held(Clock::time_point now);
  void note_failure(Clock::time_point now);
  void watch_socket();

  // Messages (messages.cc)
  Request make_request(lethe_completion completion, void *user);
  void begin_to_wait(const Request &request, std::string_view body);
  void put_into_output(const Request &request, std::string_view body);
  void put_waiting();
  bool idle() const { return in_flight_.empty() && waiting_.empty(); }
  bool handle_message(std::string_view message);
  bool handle_response(lethe::Reader &reader);
  bool handle_request(lethe::Reader &reader);
  bool handle_notification(lethe::Reader &reader);
  void add_event(uint32_t request_id, lethe::Event event);
  void answer_error(uint32_t call_id, std::string_view code, std::string_view message);
  void send_cancel(lethe_request &request);
  void send_answer(uint32_t call_id, std::string_view error, std::string_view result);
  void send();
  void give_up(lethe_request &request);
  void take_out(lethe_request &request);
  void complete(lethe_request &request, lethe_reply *reply);

  // Threads (driving.cc)
  void make_ready(lethe_request &request);
  void notify(lethe::Waiter &waiter);
  void pass_leadership();
  void drive(Lock &lock, lethe::Waiter &waiter, Clock::time_point until);
  bool run_events(lethe_request &request, Lock &lock);
  size_t run_ready(Lock &lock);
  Clock::time_point next_timer() const;
  void arm_timer();
  void settle_descriptor(Clock::time_point now);

  // Handlers (handlers.cc)
  void deliver(uint32_t request_id, lethe::Event event, Lock &lock);

  std::mutex mutex_;
  lethe::Transport transport_;
  const std::chrono::milliseconds connect_timeout_;
  uint64_t epoch_ = 0; // counts connections
  bool closed_ = false;

  // Connecting again.
  unsigned failures_ = 0; // in a row
  int last_error_ = 0;
  bool heard_ = false; // this connection has brought a message: it was worth having
  Clock::time_point not_before_, held_until_, last_received_;
  std::minstd_rand jitter_{std::random_device{}()};

  // Each request that has no reply is in one of these two.
  std::unordered_map<uint32_t, Request> in_flight_; // by id: in this connection's output, or sent
  std::map<uint64_t, Request> waiting_; // by turn: for a connection, or for room in flight
  size_t waiting_bytes_ = 0;
  size_t max_in_flight_ = 256, max_message_bytes_ = size_t{16} << 20; // the daemon's defaults
  std::set<std::pair<Clock::time_point, Request>> timeouts_;          // of those with a completion
  std::deque<Request> ready_;                                         // for lethe_dispatch()
  uint64_t last_turn_ = 0;

  bool leading_ = false;              // a thread polls the socket
  std::list<lethe::Waiter *> asleep_; // threads that could lead
  std::list<lethe::Waiter *> dispatchers_;
  lethe::FileDescriptor wake_leader_; // eventfd

  lethe::FileDescriptor poll_set_; // epoll: what lethe_descriptor() returns; holds the socket and
  lethe::FileDescriptor ready_event_; // an eventfd, signalled while ready_ holds something
  lethe::FileDescriptor timer_;       // and a timerfd
  bool announced_ = false;            // ready_event_ is signalled
  bool watches_output_ = false;       // poll_set_ waits for room in the socket, too
  Clock::time_point armed_ = Clock::time_point::max();

  lethe::Handler<lethe_console_handler> console_handler_;
  lethe::Handler<lethe_stats_handler> stats_handler_;
  std::map<std::string, lethe::Handler<lethe_host_handler>, std::less<>> host_handlers_;
  lethe::Handler<lethe_host_handler> any_host_handler_;
};
