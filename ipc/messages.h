// SPDX-License-Identifier: Apache-2.0
// What master, zygote and worker say to each other: one row for each message. Frames are in
// channel.h.
#pragma once

#include <cstdint>
#include <string_view>

namespace lethe {

// row(name, number, from, to, body). A body is MessagePack; "raw" marks a value that is passed on
// as its bytes. The receiver ends a peer that sends what is not in its column, or a body that is
// not of this shape.
//
// clang-format off
// Control channel, master <-> zygote:
//   fork          [worker id, debugs]
//                 debugs: the worker is for one request of a debugger. Answered by forked; the
//                 worker's id is the frame's sequence, too
//   grow          [generation, strict, part, [[name, version, source, options raw], …] to load,
//                 [name, …] to drop] + 1 descriptor: the control channel of the zygote to be
//                 The zygote forks; the child loads. strict: the first script that fails ends the
//                 child with load_failed; else it is left out and named in ready. part: the scripts
//                 wait for those of a later grow, as they may import each other
//   forked        [kind (0 worker, 1 zygote), id, pid] + descriptors: pidfd; for a worker also its
//                 channel and its page
//   exited        [pid, wait status as of waitpid, cpu µs, max RSS kB]
//   loading       [name]
//                 the child is about to load this script: names the culprit when it is killed
//   ready         [generation, {name: [function, …]}, {name: error map raw}, v8 version, image bytes]
//                 the new zygote's first word
//   load_failed   [name, error map raw]
//                 its last word; it exits
//
// Worker channel, master <-> worker; the frame's sequence is the request's:
//   run           [kind (RunKind), script, function or source, flags (RunFlag), cpu ms or 0,
//                 memory MB, raw]
//                 raw: call: the array of arguments; eval: the map of globals or nil; inspect,
//                 profile, heap: [number, the array of arguments]; the number is 1 to stop before
//                 the function's first statement, how long to profile in ms, or 0
//   host_reply    [call id, error raw, result raw]
//   debug_input   a message of the Chrome DevTools Protocol, raw, or nil: the debugger has left
//   done          result raw
//   failed        error map raw
//   console       [level, text]
//   host_call     [call id, name, arguments raw]
//   debug_output  such a message, or a part of the file that is made, raw
//   run_stats     [run µs, cpu µs, rewind µs of the request before, heap kB]
//                 before done or failed, where asked for
#define LETHE_MESSAGES(row)             \
  row(fork, 1, master, zygote)          \
  row(grow, 2, master, zygote)          \
  row(forked, 16, zygote, master)       \
  row(exited, 17, zygote, master)       \
  row(loading, 18, zygote, master)      \
  row(ready, 19, zygote, master)        \
  row(load_failed, 20, zygote, master)  \
  row(run, 32, master, worker)          \
  row(host_reply, 33, master, worker)   \
  row(debug_input, 34, master, worker)  \
  row(done, 48, worker, master)         \
  row(failed, 49, worker, master)       \
  row(console, 50, worker, master)      \
  row(host_call, 51, worker, master)    \
  row(run_stats, 52, worker, master)    \
  row(debug_output, 53, worker, master)
// clang-format on

enum class MessageType : uint16_t {
#define LETHE_ROW(name, number, from, to) name = number,
  LETHE_MESSAGES(LETHE_ROW)
#undef LETHE_ROW
};

enum class Party : uint8_t { master, zygote, worker };

// May `from` send this? False for a number that is in no row.
constexpr bool may_send(Party from, uint16_t type) {
  switch (type) {
#define LETHE_ROW(name, number, sender, receiver)                                                  \
  case number:                                                                                     \
    return from == Party::sender;
    LETHE_MESSAGES(LETHE_ROW)
#undef LETHE_ROW
  default:
    return false;
  }
}

// From inspect on: for a worker that was forked to debug.
enum class RunKind : uint8_t { call = 0, eval = 1, inspect = 2, profile = 3, heap = 4 };

enum RunFlag : uint32_t {
  run_rewind = 1,      // go back to the checkpoint after the reply
  run_once = 2,        // the worker is discarded after the reply
  run_wants_stats = 4, // send run_stats
  run_has_console = 8, // the client wants console output (else it is for the log)
};

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
