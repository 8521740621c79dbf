#!/bin/bash
# Removal leaves nothing running, and the scripts; a purge leaves nothing but what it says.
# shellcheck source=packaging/tests/booted/common.sh
. "$(dirname "$0")/common.sh"

apt-get -q -y remove lethe
if pgrep -u lethe -l; then fail "processes are left"; fi
[ ! -e "$socket" ] || fail "the socket is left"
if systemctl --no-legend list-units 'lethed*' --state=active | grep .; then fail "units are left"; fi
[ -n "$(ls -A /var/lib/lethe)" ] || fail "a removal took the scripts"
apt-get -q -y purge lethe | tee purge.log
for path in /var/lib/lethe /var/lib/lethe@blue /var/cache/lethe /var/cache/lethe@blue /run/lethe /etc/lethe; do
  [ ! -e "$path" ] || fail "$path is left"
done
grep 'lethe: /etc/lethe@blue has' purge.log
grep 'lethe: user and group lethe stay' purge.log
expect "links to units" "" "$(find /etc/systemd/system -name 'lethed*')"
expect "enabled units" "" "$(systemctl --no-legend list-unit-files 'lethed*' --state=enabled)"
