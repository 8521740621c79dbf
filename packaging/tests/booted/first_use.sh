#!/bin/bash
# The first call starts the service; what systemctl and the journal tell about it.
# shellcheck source=packaging/tests/booted/common.sh
. "$(dirname "$0")/common.sh"

expect "the first evaluation" 42 "$(lethe eval '6*7')"
expect "the service" active "$(systemctl is-active lethed.service)"
within 30 sh -c 'systemctl status --no-pager lethed.service | grep "Status: \".*connections"'
systemctl status --no-pager lethed.service
journalctl --no-pager -u lethed
journalctl --no-pager -u lethed | grep -q "ready on $socket" || fail "the journal does not say that it is ready"
if journalctl --no-pager -u lethed -p warning | grep -v '^-- '; then fail "the journal has warnings"; fi
lethe script put hello "$sources/tests/hello.js"
expect "a call" '"Hello, Ada!"' "$(lethe call hello greet '"Ada"')"
expect "owner of the scripts" "700 lethe" "$(stat -c '%a %U' /var/lib/lethe)"

# Who may do what.
useradd stranger
useradd -G lethe friend
expect "a stranger's exit status" 4 "$(setpriv --reuid=stranger --regid=stranger --clear-groups lethe eval 1 >/dev/null 2>&1; echo $?)"
expect "a friend's evaluation" 1 "$(setpriv --reuid=friend --regid=friend --init-groups lethe eval 1)"
if setpriv --reuid=friend --regid=friend --init-groups lethe pause; then fail "a friend may pause"; fi
