// SPDX-License-Identifier: Apache-2.0
// A client's life: connecting, losing the connection, connecting again.
#include "client/client.h"

#include <algorithm>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <thread>

using namespace std::chrono_literals;
using lethe::Clock;

namespace {

constexpr auto first_delay = 10ms, longest_delay = 1000ms; // between attempts to connect

void add_to(int poll_set, int descriptor, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = descriptor;
  ::epoll_ctl(poll_set, EPOLL_CTL_ADD, descriptor, &event);
}

} // namespace

lethe_client::lethe_client(const std::string &path, std::chrono::milliseconds connect_timeout)
    : transport_(path), connect_timeout_(connect_timeout),
      wake_leader_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      poll_set_(::epoll_create1(EPOLL_CLOEXEC)),
      ready_event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {
  add_to(poll_set_.get(), ready_event_.get(), EPOLLIN);
  add_to(poll_set_.get(), timer_.get(), EPOLLIN);
}

int lethe_client::open() {
  if (!wake_leader_ || !poll_set_ || !ready_event_ || !timer_)
    return EMFILE;
  const Lock lock(mutex_);
  const auto until = Clock::now() + connect_timeout_;
  while (true) {
    const auto now = Clock::now();
    try_connect(now);
    if (transport_.connected())
      return 0;
    // A path that can't be right won't become so.
    if (now >= until || last_error_ == ENAMETOOLONG || last_error_ == EMFILE)
      return last_error_;
    std::this_thread::sleep_until(std::min(not_before_, until));
  }
}

void lethe_client::close() {
  Lock lock(mutex_);
  closed_ = true;
  transport_.disconnect();
  ++epoch_;
  const auto end_all = [this](const auto &requests) {
    while (!requests.empty()) {
      const Request request = requests.begin()->second;
      request->events.clear();
      complete(*request, lethe_reply::error("cancelled", "the client was closed"));
    }
  };
  end_all(in_flight_);
  end_all(waiting_);
  run_ready(lock);
}

void lethe_client::try_connect(Clock::time_point now) {
  // What waits for a connection has a last attempt before it fails, even if that is a bit early.
  const bool last_chance = connect_timeout_ > 0ms && !idle() && now >= held_until_;
  if (transport_.connected() || (now < not_before_ && !last_chance))
    return;
  last_error_ = transport_.connect();
  if (last_error_ != 0) {
    note_failure(now);
    return;
  }
  heard_ = false;
  last_received_ = now;
  watches_output_ = false;
  add_to(poll_set_.get(), transport_.descriptor(), EPOLLIN);
  put_waiting();
}

void lethe_client::note_failure(Clock::time_point now) {
  const auto whole =
      std::min<Clock::duration>(first_delay * (1u << std::min(failures_, 7u)), longest_delay);
  std::uniform_real_distribution<double> share(0.5, 1); // so that many clients don't come at once
  not_before_ = now + std::chrono::duration_cast<Clock::duration>(whole * share(jitter_));
  ++failures_;
}

// Sends and reads what is possible without waiting. Only while no thread leads.
void lethe_client::pump(Clock::time_point now) {
  if (!transport_.connected() && !idle()) {
    try_connect(now);
    fail_held(now);
  }
  if (!transport_.connected())
    return;
  transport_.flush();
  const bool open = transport_.receive();
  last_received_ = now;
  bool understood = true;
  while (understood) {
    const auto message = transport_.next();
    if (!message)
      break;
    understood = handle_message(*message);
    heard_ = true;
  }
  if (!understood || transport_.broken())
    lose("the daemon sent what is not MessagePack-RPC");
  else if (!open)
    lose("the daemon closed it");
  transport_.flush(); // what had waited for those that are answered
  watch_socket();
}

// What was not sent waits for the next connection. What was sent may have been run, and what was
// sent in part may be what the daemon died of: both are for the caller to try again.
void lethe_client::lose(std::string_view reason) {
  const uint64_t sent = transport_.sent();
  const std::string unsent(transport_.output().view());
  transport_.disconnect();
  ++epoch_;
  last_error_ = ECONNRESET;
  if (heard_) {
    failures_ = 0;
    not_before_ = {};
  } else {
    note_failure(Clock::now()); // it accepts and dies: don't hammer it
  }
  const auto requests = std::move(in_flight_);
  in_flight_.clear();
  for (const auto &[id, request] : requests) {
    if (request->begin < sent)
      fail_lost(*request, request->end <= sent, reason);
    else if (request->cancelled)
      complete(*request, lethe_reply::error("cancelled", "it was cancelled before it was sent"));
    else
      begin_to_wait(request, std::string_view(unsent).substr(request->body_begin - sent,
                                                             request->end - request->body_begin));
  }
  // Nothing else in the output is for another connection, answers to host calls least of all.
  held_until_ = Clock::now() + connect_timeout_;
  arm_timer();
}

void lethe_client::fail_lost(lethe_request &request, bool may_have_run, std::string_view reason) {
  complete(request,
           lethe_reply::error(may_have_run ? "connection_lost" : "unreachable",
                              "the connection to " + transport_.path() + " ended (" +
                                  std::string(reason) + ") before " +
                                  (may_have_run ? "the reply came: the request may have been run"
                                                : "the request was sent as a whole")));
}

// Requests wait for a connection only as long as connecting may take.
void lethe_client::fail_held(Clock::time_point now) {
  if (transport_.connected() || now < held_until_)
    return;
  while (!waiting_.empty())
    complete(*Request(waiting_.begin()->second),
             lethe_reply::error("unreachable", unreachable_message()));
}

// Has the poll set wait for room in the socket while output is left.
void lethe_client::watch_socket() {
  const bool wanted = transport_.connected() && !transport_.output().empty();
  if (!transport_.connected() || wanted == watches_output_)
    return;
  epoll_event event{};
  event.events = EPOLLIN | (wanted ? EPOLLOUT : 0u);
  event.data.fd = transport_.descriptor();
  ::epoll_ctl(poll_set_.get(), EPOLL_CTL_MOD, transport_.descriptor(), &event);
  watches_output_ = wanted;
}

lethe_client *lethe_connect(const char *path, int64_t connect_timeout_ms, lethe_reply **error) {
  auto client = std::make_shared<lethe_client>(
      path ? path : "", std::chrono::milliseconds(std::max<int64_t>(connect_timeout_ms, 0)));
  if (client->open() != 0) {
    if (error)
      *error = lethe_reply::error("unreachable", client->unreachable_message());
    return nullptr;
  }
  client->handle = client;
  return client.get();
}

void lethe_close(lethe_client *client) {
  if (!client)
    return;
  client->close();
  const auto last_share = std::move(client->handle);
}
