#!/bin/bash
# Another build of V8's library comes: the service runs with it at once, and with a new startup snapshot.
# shellcheck source=packaging/tests/booted/common.sh
. "$(dirname "$0")/common.sh"

library=$(find /usr/lib -name 'libnode.so.*' -type f)
package=$(dpkg-query -S "$library" | cut -d: -f1)
dpkg-deb -R /var/cache/apt/archives/"$package"_*.deb libnode
patched=libnode$library
[ -e "$patched" ] || patched=libnode${library#/usr}
before=$(readelf -n "$library" | awk '/Build ID/{print $3}')
# The build id's first byte becomes another one: it lies behind the note's header of 16 bytes.
offset=$((0x$(readelf -SW "$library" | sed -n 's/.*note.gnu.build-id *NOTE *[0-9a-f]* \([0-9a-f]*\).*/\1/p') + 16))
printf '\x%02x' $(((0x${before:0:2} + 1) % 256)) | dd of="$patched" bs=1 seek="$offset" conv=notrunc status=none
after=$(readelf -n "$patched" | awk '/Build ID/{print $3}')
[ "$before" != "$after" ] || fail "the build id was not changed"
dpkg-deb -Zgzip -z1 -b libnode libnode.deb

snapshots_before=$(ls /var/cache/lethe)
pid=$(main_pid)
dpkg -i libnode.deb
main_pid_is_not "$pid" || fail "dpkg's trigger did not restart the service"
expect "with the new library" 42 "$(lethe eval '6*7')"
grep -q "$library" "/proc/$(zygote_pid)/maps" || fail "the zygote does not use $library"
if grep "$library (deleted)" "/proc/$(zygote_pid)/maps"; then fail "the zygote uses the old library"; fi
[ "$(ls /var/cache/lethe)" != "$snapshots_before" ] || fail "no new startup snapshot was built"

# The same without dpkg: whoever exchanges the library and restarts the service gets a new snapshot, too.
rm -r /var/cache/lethe/*
echo damaged >"/var/cache/lethe/$(echo "$snapshots_before" | head -n 1)"
systemctl restart lethed
expect "after the cache was lost" 42 "$(lethe eval '6*7')"
