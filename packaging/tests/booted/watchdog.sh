#!/bin/bash
# An event loop that hangs is found by the watchdog and replaced.
# shellcheck source=packaging/tests/booted/common.sh
. "$(dirname "$0")/common.sh"

pid=$(main_pid)
kill -STOP "$pid"
within 60 main_pid_is_not "$pid"
expect "after the watchdog" 42 "$(lethe eval '6*7')"
journalctl --no-pager -u lethed -n 50 | grep -i watchdog
