// SPDX-License-Identifier: Apache-2.0
// Everything that is counted, each with its help text: `stats` answers from this table.
#pragma once

#include <cstdint>

namespace lethe {

// clang-format off
#define LETHE_COUNTERS(row)                                                                                \
  row(connections_accepted, "client connections accepted")                                                 \
  row(connections_refused, "client connections refused because there were too many")                       \
  row(connections_displaced, "client connections closed so that another user gets one")                    \
  row(connections_broken, "client connections closed because of what they sent")                           \
  row(connections_stalled, "client connections closed because they did not read, or end a message")        \
  row(messages, "messages received from clients")                                                          \
  row(requests, "calls, evals, chains and debuggers' requests that came in")                               \
  row(results, "requests answered with a result")                                                          \
  row(errors, "requests answered with an error")                                                           \
  row(overloaded, "requests refused because a limit was reached")                                          \
  row(quarantined, "requests refused because what they ask for is quarantined")                             \
  row(quarantines, "versions of scripts, and users' evals, quarantined because of worker_faults")           \
  row(cancelled, "requests cancelled by their client")                                                     \
  row(clients_gone, "requests whose client was gone before the answer")                                    \
  row(deadlines_queued, "deadlines that passed in the queue")                                              \
  row(deadlines_running, "deadlines that passed while a script ran")                                       \
  row(interrupts, "scripts interrupted at their deadline")                                                 \
  row(kills, "workers killed")                                                                             \
  row(idle_cpu_kills, "workers killed because they computed with nothing to do")                           \
  row(crashes, "workers that died while they held a request, not killed by the daemon")                    \
  row(worker_faults, "workers that ended by a fault: SIGSEGV, SIGBUS, SIGILL, SIGABRT, SIGSYS and the like") \
  row(protocol_breaks, "workers and zygotes killed because they broke the protocol, or hung up and lived on") \
  row(revoked, "requests taken back from a worker before they were started")                               \
  row(retried, "idempotent requests run once more after a crash")                                          \
  row(workers_forked, "workers forked")                                                                    \
  row(workers_failed, "workers that died before they did anything useful")                                 \
  row(workers_recycled, "workers replaced because of their age, or of how many requests they served")      \
  row(zygotes_started, "zygotes executed")                                                                 \
  row(zygotes_renewed, "zygotes executed anew in the place of one that lived")                             \
  row(zygotes_failed, "zygotes that died unasked")                                                         \
  row(strays, "processes killed that a zygote had left behind and not reported")                           \
  row(snapshots_built, "startup snapshots built")                                                          \
  row(scripts_put, "scripts put")                                                                          \
  row(scripts_deleted, "scripts deleted")                                                                  \
  row(scripts_damaged, "stored scripts found damaged and set aside")                                       \
  row(generations_learned, "generations made to be warmed up with calls of requests")                      \
  row(calls_learned, "calls of requests with which these were warmed up")                                  \
  row(compiled, "functions and regular expressions that V8 compiled in requests")                          \
  row(console_lines, "lines that scripts wrote to their console")                                          \
  row(console_dropped, "console lines dropped: the client did not read, or there were more than allowed")  \
  row(log_lines_dropped, "lines of the log dropped because it was not read")                               \
  row(output_lines_dropped, "lines that zygotes and workers wrote to standard error beyond what is logged")  \
  row(host_calls, "calls from scripts to their clients")                                                   \
  row(reloads, "reloads that took effect")                                                                 \
  row(reloads_failed, "reloads that left the old configuration in force")                                  \
  row(rewinds_failed_too_much_touched, "workers replaced because a request wrote more than rewind_max_mb") \
  row(rewinds_failed_mapping_changed, "workers replaced because a mapping appeared or went")               \
  row(rewinds_failed_system_call_failed, "workers replaced because the kernel refused a step of a rewind") \
  row(rewinds_failed_verify_failed, "workers replaced because memory differed after a rewind: a defect")
// clang-format on

struct Counters {
#define LETHE_ROW(name, help) uint64_t name = 0;
  LETHE_COUNTERS(LETHE_ROW)
#undef LETHE_ROW
};

} // namespace lethe
