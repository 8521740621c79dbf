// SPDX-License-Identifier: Apache-2.0
// A client that speaks MessagePack-RPC, with and without manners.
#pragma once

#include "ipc/buffer.h"
#include "ipc/message_pack.h"
#include "ipc/packer.h"
#include "tests/simulation/world.h"

#include <map>
#include <string>

namespace lethe::simulation {

class SimulatedClient final : public Ear {
public:
  // What it does once it has asked all: it holds on to the daemon's memory, for ever if it may.
  enum class Clinging : uint8_t { no, reads_no_more, ends_no_message };

  struct Manners {
    int messages = 20; // that it sends in all
    uid_t user = 0;
    bool may_be_displaced = false; // when another user wants a connection, or memory
    bool is_slow_reader = false;
    bool floods = false; // sends all at once
    Clinging clinging = Clinging::no;
    int64_t stall_ms = 1000;    // how long the daemon bears that
    int64_t grace_ms = 20;      // the daemon's
    int64_t deadline_ms = 1000; // the default pool's
    std::string second_pool;    // or empty
    int64_t second_deadline_ms = 1000;
  };
  SimulatedClient(World &world, size_t number, std::string socket, const Manners &manners);

  // Nothing is outstanding any more, and nothing more will be asked.
  bool is_done() const;
  // From now on the daemon may close connections.
  void daemon_stops() {
    daemon_stops_ = true;
    stop_us_ = world_.timeline.now_us();
  }
  void leave();
  // Asks each pool, if it is still there to ask.
  void probe();
  const Manners &manners() const { return manners_; }
  bool clings() const { return manners_.clinging != Clinging::no; }
  // When its end of the connection was closed, by itself or after the daemon's.
  int64_t gone_us() const { return gone_us_; }

private:
  enum class Closing : uint8_t { open, left, by_daemon };
  struct Awaited {
    Ask *ask = nullptr; // nullptr: another method's reply
    bool answered = false;
  };

  void connect();
  void act();
  void act_later();
  void ask_something();
  void operate();
  void cancel_one();
  uint32_t begin(std::string_view method, uint32_t parameters);
  void send_all();
  void send_garbage();
  void cling();
  void ask_too_much();
  void begin_without_end();
  void trickle();
  void expect_end();
  void hear() override;
  void look_for_end();
  int64_t hearing_us() override;
  void read_messages();
  void read_response(Reader &reader);
  void answer_host_call(Reader &reader);
  void closed();
  void excuse_all();

  size_t number_;
  std::string socket_path_;
  Manners manners_;
  FileDescriptor socket_;
  Closing closing_ = Closing::open;
  bool daemon_stops_ = false, is_connected_ = false, sends_ = false, may_be_closed_ = false;
  bool is_deaf_ = false;       // it reads no more
  bool asks_too_much_ = false; // what would fill its socket, and the daemon's output
  bool end_is_due_ = false;    // the daemon is to disconnect it
  int64_t stop_us_ = INT64_MAX, gone_us_ = INT64_MAX;
  int sent_messages_ = 0;
  Buffer output_, input_;
  Skimmer skimmer_{1000};
  size_t sent_bytes_ = 0, written_bytes_ = 0; // in all
  std::map<size_t, Ask *> ends_;              // of requests in the stream of bytes, not sent yet
  uint32_t last_msgid_ = 0;
  std::map<uint32_t, Awaited> awaited_;
  size_t unanswered_ = 0;
};

} // namespace lethe::simulation
