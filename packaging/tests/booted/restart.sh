#!/bin/bash
# Restart under load: clients wait, and not one of them gets an error. Nobody is disconnected.
# shellcheck source=packaging/tests/booted/common.sh
. "$(dirname "$0")/common.sh"

load_start
for _ in 1 2 3; do
  pid=$(main_pid)
  systemctl restart lethed
  main_pid_is_not "$pid" || fail "there is no new master"
  sleep 0.5
done
load_stop
load_expect_no_error
