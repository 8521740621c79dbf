#!/bin/bash
# kill -9 of each kind of process under load: it costs at most what this process held, and is over within a second.
# shellcheck source=packaging/tests/booted/common.sh
. "$(dirname "$0")/common.sh"

# Kills, and waits until the service is as before. A machine that is busy with other things delays one return or another,
# but not each of them.
back_within_a_second() { # PROCESS CONDITION …   the condition gets the process's id of before
  local process=$1 pid begin took_ms _
  shift
  for _ in {1..10}; do
    pid=$("${process}_pid")
    begin=$(date +%s%N)
    kill -9 "$pid" 2>/dev/null || continue
    within 60 "$@" "$pid"
    took_ms=$((($(date +%s%N) - begin) / 1000000))
    echo "after kill -9 of the $process all was back after $took_ms ms"
    [ $took_ms -ge 1000 ] || return 0
    sleep 1
  done
  fail "in none of ten cases all was back within a second after kill -9 of the $process"
}
workers_are_back() { [ "$(processes lethe-worker | grep -vcx "$1")" -ge "$workers" ] && lethe eval 1; }
zygote_is_back() { processes lethe-zygote | grep -vqx "$1" && lethe eval 1; }
main_is_back() { lethe eval 1 && main_pid_is_not "$1"; }

zygote_pid >zygote # and from now on all processes are of one generation
workers=$(processes lethe-worker | wc -l)
load_start
for _ in 1 2 3; do back_within_a_second worker workers_are_back; done
for _ in 1 2; do back_within_a_second zygote zygote_is_back; done
back_within_a_second main main_is_back
load_stop
load_expect_errors worker_crashed connection_lost
[ "$(load_count longest_gap_ms)" -lt 30000 ] || fail "no result for $(load_count longest_gap_ms) ms"
within 30 sh -c '! ps -u lethe -o stat= | grep Z'
expect "one master" 1 "$(pgrep -c -u lethe -x lethed)"
