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
# A machine that is busy with other things delays one start or another, but not each of them.
took_ms=
for _ in {1..10}; do
  pid=$(main_pid)
  begin=$(date +%s%N)
  kill -9 "$pid"
  within 60 lethe eval 1
  took_ms=$((($(date +%s%N) - begin) / 1000000))
  echo "after kill -9 of the master the next answer came after $took_ms ms"
  main_pid_is_not "$pid" || fail "there is no new master"
  [ $took_ms -ge 1000 ] || break
  sleep 1
done
[ $took_ms -lt 1000 ] || fail "in none of ten cases the master was back within a second"
load_stop
load_expect_errors worker_crashed connection_lost
[ "$(load_count longest_gap_ms)" -lt 30000 ] || fail "no result for $(load_count longest_gap_ms) ms"
within 30 sh -c '! ps -u lethe -o stat= | grep Z'
expect "one master" 1 "$(pgrep -c -u lethe -x lethed)"
