#!/bin/bash
# Each pool is in a control group of its own below the service's, which is otherwise empty. Where the kernel's controllers are
# there: what a pool takes beyond its memory costs that pool a worker, and no other one anything.
# shellcheck source=packaging/tests/booted/common.sh
. "$(dirname "$0")/common.sh"

cat >/etc/lethe/conf.d/test.toml <<END
grace_ms = 10000
[pool.default]
workers = 1
deadline_ms = 600000
[pool.greedy]
workers = 1
deadline_ms = 600000
memory_mb = 8000
max_memory_mb = 300
END
systemctl restart lethed
expect "before" 42 "$(lethe --pool default eval --deadline 600000 '6*7')"
expect "before, in the other pool" 42 "$(lethe --pool greedy eval --deadline 600000 '6*7')"
group=/sys/fs/cgroup$(property ControlGroup)
members() { cat "$1/cgroup.procs"; }
names() { for pid in $(members "$1"); do cat "/proc/$pid/comm"; done | sort -u | xargs; }

for pool in default greedy; do
  lethe stats | grep -F "$group/pool-$pool" || fail "stats do not name the group of $pool"
  expect "zygotes and workers of $pool" "lethe-worker lethe-zygote" "$(names "$group/pool-$pool")"
done
expect "the service's own group" "" "$(members "$group")"
members "$group/lethed" | grep -qx "$(main_pid)" || fail "the master is elsewhere"

if grep -qw memory "$group/cgroup.controllers"; then
  expect "the limit of the pool" $((300 << 20)) "$(cat "$group/pool-greedy/memory.max")"
  expect "the limit of the other" max "$(cat "$group/pool-default/memory.max")"
  [ "$(cat "$group/pool-greedy/pids.max")" -gt 0 ] || fail "the number of processes has no limit"
  neighbours=$(members "$group/pool-default" | sort) master=$(main_pid)
  status=0
  lethe --pool greedy eval --deadline 600000 'const all = []; for (;;) all.push(new Uint8Array(1 << 20).fill(1))' 2>bomb.err || status=$?
  echo "-- $(cat bomb.err)"
  expect "exit status of the bomb" 5 "$status"
  [ "$(awk '$1 == "oom_kill" { print $2 }' "$group/pool-greedy/memory.events")" -ge 1 ] || fail "the kernel killed nobody"
  expect "processes of the other pool" "$neighbours" "$(members "$group/pool-default" | sort)"
  expect "the master" "$master" "$(main_pid)"
  expect "after" 42 "$(lethe --pool greedy eval --deadline 600000 '6*7')"
else
  echo "without the controllers: $(cat "$group/cgroup.controllers")"
fi

systemctl stop lethed
[ ! -e "$group" ] || expect "groups that are left" "" "$(find "$group" -mindepth 1 -type d)"
rm /etc/lethe/conf.d/test.toml
systemctl start lethed
