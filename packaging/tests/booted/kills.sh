#!/bin/bash
# kill -9 of each kind of process under load: it costs at most what this process held, and is over within a second.
# shellcheck source=packaging/tests/booted/common.sh
. "$(dirname "$0")/common.sh"

load_start
for _ in 1 2 3; do
  kill_one worker_pid
  sleep 0.3
done
for _ in 1 2; do
  kill_one zygote_pid
  sleep 1
done
for _ in 1 2; do
  pid=$(main_pid)
  kill -9 "$pid"
  within 1 lethe eval 1
  main_pid_is_not "$pid" || fail "there is no new master"
  sleep 0.5
done
load_stop
load_expect_errors worker_crashed connection_lost unreachable
[ "$(load_count longest_gap_ms)" -lt 1000 ] || fail "no result for $(load_count longest_gap_ms) ms"
within 2 sh -c '! ps -u lethe -o stat= | grep Z'
expect "one master" 1 "$(pgrep -c -u lethe -x lethed)"
