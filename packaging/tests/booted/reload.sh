#!/bin/bash
# Reload under load loses nothing; a wrong configuration is refused with its reason, and changes nothing.
# shellcheck source=packaging/tests/booted/common.sh
. "$(dirname "$0")/common.sh"

load_start
for deadline_ms in 1111 2222 3333; do
  printf '[pool.default]\ndeadline_ms = %d\n' "$deadline_ms" >/etc/lethe/conf.d/test.toml
  systemctl reload lethed
  lethe config | grep -q "pool.default.deadline_ms.*$deadline_ms" || fail "deadline_ms is not $deadline_ms after a reload"
done
echo 'deadline_ms = "soon"' >>/etc/lethe/conf.d/test.toml
if systemctl reload lethed; then fail "a wrong configuration was accepted"; fi
journalctl --no-pager -u lethed -n 20 | grep 'test.toml:3' || fail "the journal does not name the line"
lethe config | grep -q 'pool.default.deadline_ms.*3333'
expect "the service after a refused reload" active "$(systemctl is-active lethed.service)"
rm /etc/lethe/conf.d/test.toml
systemctl reload lethed
load_stop
load_expect_no_error
