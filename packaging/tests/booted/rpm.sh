#!/bin/bash
# The RPM packages, installed by rpm: files, scriptlets, verification, and the programs run as a service. What they need
# comes from Debian, whose packages rpm does not know.
# shellcheck source=packaging/tests/booted/common.sh
. "$(dirname "$0")/common.sh"

mapfile -t needs < <(dpkg-deb -f "$packages"/lethe_*.deb Depends | tr ',' '\n' | sed 's/|.*//; s/(.*//; s/ //g' | grep -v '^liblethe')
apt-get -q -y install rpm "${needs[@]}"
rpms=(/rpms/lethe-[0-9]*.x86_64.rpm /rpms/liblethe-[0-9]*.x86_64.rpm /rpms/liblethe-devel-*.x86_64.rpm)

# Installed: the user is there, the socket listens, the first call starts the service.
rpm --install --nodeps "${rpms[@]}"
rpm --query --all | sort
expect "packages" 3 "$(rpm --query --all | grep -c lethe)"
getent passwd lethe
expect "the socket unit" active "$(systemctl is-active lethed.socket)"
expect "the socket unit is enabled" enabled "$(systemctl is-enabled lethed.socket)"
expect "the first evaluation" 42 "$(lethe eval '6*7')"
expect "the service" active "$(systemctl is-active lethed.service)"
lethe script put hello "$sources/tests/hello.js"

# Each file is as the package has it; every directory of its own is the package's; manual pages can be found.
rpm --verify --nodeps lethe liblethe liblethe-devel
for file in /usr/bin/lethe /usr/sbin/lethed /usr/libexec/lethe/lethe-zygote /etc/lethe/conf.d /usr/share/man/man8/lethed.8.gz; do
  expect "owner of $file" lethe "$(rpm --query --queryformat '%{NAME}' --file "$file")"
done
expect "configuration files" /etc/lethe/lethe.toml "$(rpm --query --configfiles lethe)"
systemd-analyze verify --recursive-errors=yes --man=no lethed.service lethed.socket lethed@blue.service lethed@blue.socket

# A program against the -devel package, with what pkg-config says.
libraries=$(rpm --eval '%{_libdir}')
cp /tests/tests/load.c .
export PKG_CONFIG_PATH=$libraries/pkgconfig
read -ra flags <<<"$(pkg-config --cflags --libs lethe)"
gcc -O2 -Wall -Wextra -Werror load.c -o load -lpthread "${flags[@]}"
export LD_LIBRARY_PATH=$libraries

# The same packages once more, as an upgrade: nobody gets an error, the changed configuration stays.
echo '# changed here' >>/etc/lethe/lethe.toml
rpm --verify --nodeps lethe && fail "rpm does not see the changed configuration"
pid=$(main_pid)
load_start
rpm --upgrade --nodeps --force "${rpms[@]}"
sleep 0.5
load_stop
load_expect_no_error
main_pid_is_not "$pid" || fail "the service was not restarted"
tail -n 1 /etc/lethe/lethe.toml | grep '# changed here'
expect "a script of before" '"Hello, upgrade!"' "$(lethe call hello greet '"upgrade"')"

# Removed: nothing runs, scripts and the changed configuration stay.
rpm --erase lethe liblethe liblethe-devel
if pgrep -u lethe -l; then fail "processes are left"; fi
[ ! -e "$socket" ] || fail "the socket is left"
[ ! -e /usr/sbin/lethed ] || fail "a program is left"
[ -n "$(ls -A /var/lib/lethe)" ] || fail "the scripts are gone"
grep '# changed here' /etc/lethe/lethe.toml.rpmsave
