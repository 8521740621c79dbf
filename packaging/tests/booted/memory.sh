#!/bin/bash
# Out of memory: the kernel ends the worker that took it. The service, its zygote and all other calls go on. Once with a
# limit of the service's (MemoryMax), once with none but the machine's memory.
# shellcheck source=packaging/tests/booted/common.sh
. "$(dirname "$0")/common.sh"

settings=/etc/systemd/system/lethed.service.d/test.conf
mkdir -p "${settings%/*}"
# Scripts may take more than there is, so that the kernel is the one to stop them.
printf 'grace_ms = 10000\n[pool.default]\nmemory_mb = 8000\nworkers = 2\ndeadline_ms = 600000\n' >/etc/lethe/conf.d/test.toml
# The kernel is not to throw the machine's programs out of memory, and to read them again, for minutes before it decides.
echo y >/sys/kernel/mm/lru_gen/enabled
echo 1000 >/sys/kernel/mm/lru_gen/min_ttl_ms
bomb='const all = []; for (;;) all.push(new Uint8Array(1 << 20).fill(1))'

for limit in 400M infinity; do
  printf '[Service]\nMemoryMax=%s\nMemorySwapMax=0\n' "$limit" >"$settings"
  systemctl daemon-reload
  systemctl restart lethed
  expect "before" 42 "$(lethe eval --deadline 600000 '6*7')"
  group=/sys/fs/cgroup$(property ControlGroup)
  [ "$limit" = infinity ] || expect "the kernel's limit" $((400 << 20)) "$(cat "$group/memory.max")"
  pid=$(main_pid) zygote=$(zygote_pid) restarts=$(property NRestarts)

  load_start
  status=0
  lethe eval --deadline 600000 "$bomb" 2>bomb.err || status=$?
  echo "-- MemoryMax=$limit: $(cat bomb.err)"
  load_stop
  expect "exit status of the bomb" 5 "$status"
  grep -q worker_crashed bomb.err || fail "the bomb's error is another one"
  load_expect_no_error
  [ "$(awk '$1 == "oom_kill" { print $2 }' "$group/memory.events")" -ge 1 ] || fail "the kernel killed nobody"
  journalctl --no-pager -k | grep -i 'out of memory.*lethe-worker' | tail -n 1
  expect "the master" "$pid" "$(main_pid)"
  expect "the zygote" "$zygote" "$(zygote_pid)"
  expect "restarts" "$restarts" "$(property NRestarts)"
  expect "after" 42 "$(lethe eval --deadline 600000 '6*7')"
done
# systemd has seen it, and let the service go on.
journalctl --no-pager -u lethed | grep 'killed by the OOM killer'
rm /etc/lethe/conf.d/test.toml "$settings"
