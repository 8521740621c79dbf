#!/bin/bash
# Upgrade under load: no client gets an error, scripts and changed configuration stay, only snapshots are made anew.
# shellcheck source=packaging/tests/booted/common.sh
. "$(dirname "$0")/common.sh"

echo '# changed here' >>/etc/lethe/lethe.toml
pid=$(main_pid)
dpkg-deb -R "$packages"/lethe_*.deb next
sed -i 's/^Version: .*/&+next/' next/DEBIAN/control
dpkg-deb -Zgzip -z1 -b next next.deb
load_start
apt-get -q -y install ./next.deb
sleep 0.5
load_stop
load_expect_no_error
dpkg-query -W -f '${Version}' lethe | grep '+next$'
main_pid_is_not "$pid" || fail "the service was not restarted"
expect "the socket unit" active "$(systemctl is-active lethed.socket)"
expect "a script of before" '"Hello, upgrade!"' "$(lethe call hello greet '"upgrade"')"
tail -n 1 /etc/lethe/lethe.toml | grep '# changed here'
