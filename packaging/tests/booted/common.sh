# shellcheck shell=bash
# shellcheck disable=SC2034  # others use these
# What the tests inside the booted system share.

set -euo pipefail
packages=/packages         # the packages under test
sources=/tests             # packaging/ of the sources
work=/var/tmp/lethe-tests
socket=/run/lethe/lethe.sock
mkdir -p "$work"
cd "$work"

fail() {
  echo "FAILED: $*" >&2
  exit 1
}
expect() { # WHAT EXPECTED ACTUAL
  [ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"
}
# Repeats a command until it succeeds, for a number of seconds.
within() {
  local limit=$1 end
  shift
  end=$(($(date +%s%N) + limit * 1000000000))
  until "$@" >/dev/null 2>&1; do
    [ "$(date +%s%N)" -lt $end ] || fail "not within $limit s: $*"
    sleep 0.02
  done
}
property() { systemctl show --value -p "$1" "${2:-lethed.service}"; }
main_pid() { property MainPID; }
main_pid_is_not() { [ "$(main_pid)" != "$1" ] && [ "$(main_pid)" != 0 ]; }
# The service's processes of a name, none of another instance's.
processes() {
  local pid
  find "/sys/fs/cgroup$(property ControlGroup)" -name cgroup.procs -exec cat {} + | sort -n |
    while read -r pid; do [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != "$1" ] || echo "$pid"; done
}
# After a new generation's start, those of the one before stay until they have finished what they run.
one_zygote() { [ "$(processes lethe-zygote | wc -l)" = 1 ]; }
zygote_pid() {
  within 30 one_zygote
  processes lethe-zygote
}
worker_pid() { processes lethe-worker | tail -n 1; }

# Clients that call without a pause. load_stop prints what came of it.
load_start() {
  "$work/load" 8 >"$work/load.out" &
  load_pid=$!
  sleep 0.5
}
load_stop() {
  kill -TERM "$load_pid"
  wait "$load_pid"
  cat "$work/load.out"
}
load_count() { awk -v key="$1" '$1 == key { print $2; found = 1 } END { if (!found) print 0 }' "$work/load.out"; }
# No call but with these errors; there were results.
load_expect_errors() { # CODE …
  local wrong
  wrong=$(awk -v allowed=" results longest_gap_ms $* " 'index(allowed, " " $1 " ") == 0' "$work/load.out")
  [ -z "$wrong" ] || fail "calls under load got: $wrong"
  [ "$(load_count results)" -gt 100 ] || fail "hardly a call got through"
}
load_expect_no_error() { load_expect_errors none; }
