#!/bin/bash
# A startup snapshot that takes longer than systemd waits for a start: the service asks for time, and starts. Meanwhile it
# says what it does.
# shellcheck source=packaging/tests/booted/common.sh
. "$(dirname "$0")/common.sh"

settings=/run/systemd/system/lethed.service.d/test.conf
mkdir -p "${settings%/*}"
printf '[Service]\nTimeoutStartSec=3s\n' >"$settings"
systemctl daemon-reload
echo 'const end = Date.now() + 8000; while (Date.now() < end);' >/etc/lethe/slow.js
printf '[pool.default]\npreload = ["/etc/lethe/slow.js"]\n' >/etc/lethe/conf.d/test.toml

begin=$(date +%s)
systemctl restart --no-block lethed
within 30 sh -c 'systemctl status --no-pager lethed.service | grep "Status: \".*startup snapshot"'
systemctl status --no-pager --lines=0 lethed.service || true # it is starting
expect "an evaluation meanwhile" 42 "$(lethe eval --deadline 60000 '6*7')"
took_s=$(($(date +%s) - begin))
echo "started after $took_s s"
[ $took_s -ge 8 ] || fail "the start did not take long"
expect "the service" active "$(systemctl is-active lethed.service)"
expect "restarts" 0 "$(property NRestarts)"

rm "$settings" /etc/lethe/conf.d/test.toml /etc/lethe/slow.js
systemctl daemon-reload
systemctl restart lethed
