#!/bin/bash
# Processes of the service have no privileges, in fact and by the units' own account.
# shellcheck source=packaging/tests/booted/common.sh
. "$(dirname "$0")/common.sh"

zygote_pid >zygote # and from now on all processes are of one generation
for pid in "$(main_pid)" "$(cat zygote)" "$(worker_pid)"; do
  expect "user of process $pid" lethe "$(stat -c %U "/proc/$pid")"
  expect "capabilities of process $pid" 0000000000000000 "$(awk '/^CapEff/{print $2}' "/proc/$pid/status")"
  expect "no new privileges of process $pid" 1 "$(awk '/^NoNewPrivs/{print $2}' "/proc/$pid/status")"
done
systemd-analyze security --no-pager --threshold=15 lethed.service
systemd-analyze security --no-pager --threshold=15 --offline=true "$(property FragmentPath lethed.service)" \
  "$(dirname "$(property FragmentPath lethed.service)")/lethed@.service"
# Nothing of the system can be written, no home is seen.
nsenter --target "$(main_pid)" --mount sh -c '! touch /usr/x 2>/dev/null && ! ls /root/. 2>/dev/null | grep .'
