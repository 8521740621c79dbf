#!/bin/bash
# Runs tests inside a booted Debian, in the order given: each is a file of this folder. Ends at the first that fails.
# usage: run.sh NAME …
set -euo pipefail
here=$(dirname "$(realpath "$0")")
for name in "$@"; do
  begin=$(date +%s%N)
  if "$here/$name.sh" >"/results/$name.log" 2>&1; then
    printf 'ok      %-16s %5d ms\n' "$name" $((($(date +%s%N) - begin) / 1000000))
  else
    printf 'FAILED  %s\n' "$name"
    tail -n 40 "/results/$name.log"
    systemctl status --no-pager --lines=0 lethed.service lethed.socket || true
    journalctl --no-pager -u lethed -n 40
    journalctl --no-pager -k | grep "type=1326" | tail -n 4 # forbidden system calls
    exit 1
  fi
done
