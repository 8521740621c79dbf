// SPDX-License-Identifier: Apache-2.0
// What master, zygote and worker say to each other, made of the rows in messages.def: a struct for
// each message, how it is read and written, who may send it and when. Frames are in channel.h.
#pragma once

#include "ipc/error.h"
#include "ipc/message_fields.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

namespace lethe {

enum class MessageType : uint16_t {
#define RECORD(...)
#define MESSAGE(Struct, type, number, ...) type = number,
#include "ipc/messages.def"
#undef RECORD
#undef MESSAGE
};

enum class Party : uint8_t { master, zygote, worker };

// What the zygote or worker at one end of a channel does: as itself knows it, or as the master has
// seen it. A row has the set of those that permit its message.
enum class PeerState : uint8_t {
  loading = 1,    // zygote: it has not said yet how that went
  ready = 2,      // zygote
  gone = 4,       // zygote: it has said its last word
  idle = 8,       // worker
  running = 16,   // worker
  debugging = 32, // worker: it runs a request of a debugger
};

constexpr PeerState operator|(PeerState some, PeerState more) {
  return static_cast<PeerState>(static_cast<uint8_t>(some) | static_cast<uint8_t>(more));
}

// From inspect on: for a worker that was forked to debug.
enum class RunKind : uint8_t { call = 0, eval = 1, inspect = 2, profile = 3, heap = 4 };

enum RunFlag : uint32_t {
  run_rewind = 1,        // go back to the checkpoint after the reply
  run_once = 2,          // the worker is discarded after the reply
  run_wants_stats = 4,   // send run_stats
  run_has_console = 8,   // the client wants console output (else it is for the log)
  run_wants_floats = 16, // the client wants all numbers of scripts as float 64
  run_is_fetch = 32,     // the function gets a Request, and gives a Response
  all_run_flags = 63,
};

// All of a row but its fields.
struct MessageRow {
  std::string_view name;
  MessageType type;
  Party from, to;
  PeerState states;
  uint32_t most_bytes;
  uint16_t descriptors;
};

// The structs. Texts and raw values in them are views: see message_fields.h.
namespace message {

using Number = Integer<0, UINT32_MAX>; // an id, a generation
using Count = Integer<0, INT64_MAX>;
using Megabytes = Integer<0, int64_t{1} << 40>; // whose bytes can be counted
using Pid = Integer<1, INT32_MAX>;
using Status = Integer<INT32_MIN, INT32_MAX>;
using Name = Text<255>; // a script's
inline constexpr uint32_t longest_call_name = 255;
inline constexpr uint32_t most_entries = 1'000'000;

#define FIELD(name, ...) __VA_ARGS__::Value name{};
#define RECORD(Struct, ...)                                                                        \
  struct Struct {                                                                                  \
    __VA_ARGS__                                                                                    \
    bool operator==(const Struct &) const = default;                                               \
  };
#define MESSAGE(Struct, type, number, from, to, states, most_bytes, descriptors, ...)              \
  struct Struct {                                                                                  \
    __VA_ARGS__                                                                                    \
    bool operator==(const Struct &) const = default;                                               \
    static constexpr MessageRow row = [] {                                                         \
      using enum Party;                                                                            \
      using enum PeerState;                                                                        \
      return MessageRow{#type, MessageType::type, from, to, states, most_bytes, descriptors};      \
    }();                                                                                           \
  };
#include "ipc/messages.def"
#undef FIELD
#undef RECORD
#undef MESSAGE

#define FIELD(name, ...) Field<&Self::name, __VA_ARGS__>{#name},
#define RECORD(Struct, ...)                                                                        \
  template <> struct FieldsOf<Struct> {                                                            \
    using Self = Struct;                                                                           \
    static constexpr std::tuple list{__VA_ARGS__};                                                 \
  };
#define MESSAGE(Struct, type, number, from, to, states, most_bytes, descriptors, ...)              \
  RECORD(Struct, __VA_ARGS__)
#include "ipc/messages.def"
#undef FIELD
#undef RECORD
#undef MESSAGE

} // namespace message

// --- all rows ------------------------------------------------------------------------------------

// Calls `visit.operator()<Struct>()` for each message, in the order of the rows.
template <typename Visit> void for_each_message(Visit visit) {
#define RECORD(...)
#define MESSAGE(Struct, ...) visit.template operator()<message::Struct>();
#include "ipc/messages.def"
#undef RECORD
#undef MESSAGE
}

// Nothing for a number that is in no row.
constexpr const MessageRow *find_row(uint16_t type) {
  switch (type) {
#define RECORD(...)
#define MESSAGE(Struct, type, number, ...)                                                         \
  case number:                                                                                     \
    return &message::Struct::row;
#include "ipc/messages.def"
#undef RECORD
#undef MESSAGE
  default:
    return nullptr;
  }
}

// May `from` send this, while the zygote or worker of the two is in `state`?
constexpr bool may_send(Party from, PeerState state, uint16_t type) {
  const MessageRow *row = find_row(type);
  return row && row->from == from && (row->states | state) == row->states;
}

// What is wrong with a frame that `from` announces in that state; nothing: it keeps to its row.
std::optional<std::string> flaw_of_frame(Party from, PeerState state, uint16_t type,
                                         uint32_t body_bytes, uint16_t descriptors);

// --- bodies --------------------------------------------------------------------------------------

// Strict: as many fields as the row has, each of its kind and within its limits, and nothing after
// them. The error names the message and the field. `depth` bounds how deep raw values may be; none
// for a sender who has looked at that. Views into `body`; allocates for lists and maps only.
template <typename Message>
Result<Message> read_message(std::string_view body, Skimmer *depth = nullptr) {
  Message read;
  std::string flaw;
  message::Source from{Reader(body), depth};
  constexpr uint32_t count = message::field_count<Message>;
  if (count > 1 && from.reader.array() != count)
    flaw = "it is not an array of " + std::to_string(count) + " fields";
  else if (message::read_fields(from, read, flaw) && !from.reader.at_end())
    flaw = "more follows its last field";
  if (flaw.empty())
    return read;
  return Error(ErrorCode::internal, std::string(Message::row.name) + ": " + flaw);
}

template <size_t fields, typename Message>
void write_first_fields(Buffer &out, const Message &message) {
  if constexpr (message::field_count < Message >> 1)
    Packer(out).pack_array(uint32_t{message::field_count<Message>});
  message::write_fields<fields>(out, message);
}

// What it holds is the caller's to keep within the row's limits: the receiver ends a peer that does
// not.
template <typename Message> void write_message(Buffer &out, const Message &message) {
  write_first_fields<message::field_count<Message>>(out, message);
}

// All but the last field, a raw value: the caller appends that, so that it need not lie in one
// piece before.
template <typename Message> void write_up_to_last(Buffer &out, const Message &message) {
  write_first_fields<message::field_count<Message> - 1>(out, message);
}

// Sent to a worker to interrupt the script that it runs; it answers with failed (deadline_exceeded,
// with the stack) if it can.
inline constexpr int interrupt_signal = 10; // SIGUSR1
// The parent-death signal of zygotes and workers: whoever gets it ends if its channel to the master
// is closed, too.
inline constexpr int orphan_signal = 12; // SIGUSR2

// Exit statuses that say why, for those cases in which no word can be sent any more.
enum ExitStatus : int {
  exit_clean = 0,
  exit_failed = 70, // anything else; standard error has the reason
  exit_stale_snapshot =
      71, // zygote: the startup snapshot is missing, damaged or not of this V8: build it
  exit_protocol = 72, // the peer broke this protocol
};

} // namespace lethe
