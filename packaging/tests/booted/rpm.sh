#!/bin/bash
# The RPM packages, installed by rpm: files, scriptlets, verification, and the programs run as a service. What they need
# comes from Debian, whose packages rpm does not know.
# shellcheck source=packaging/tests/booted/common.sh
. "$(dirname "$0")/common.sh"

mapfile -t needs < <(dpkg-deb -f "$packages"/lethe_*.deb Depends | tr ',' '\n' | sed 's/|.*//; s/(.*//; s/ //g' | grep -v '^liblethe')
apt-get -q -y install rpm python3-msgpack "${needs[@]}"
rpms=(/rpms/lethe-[0-9]*.x86_64.rpm /rpms/liblethe-[0-9]*.x86_64.rpm /rpms/liblethe-devel-*.x86_64.rpm /rpms/python3-lethe-*.noarch.rpm)

# Installed: the user is there, the socket listens, the first call starts the service.
rpm --install --nodeps "${rpms[@]}"
rpm --query --all | sort
expect "packages" 4 "$(rpm --query --all | grep -c lethe)"
getent passwd lethe
expect "the socket unit" active "$(systemctl is-active lethed.socket)"
expect "the socket unit is enabled" enabled "$(systemctl is-enabled lethed.socket)"
expect "the first evaluation" 42 "$(lethe eval '6*7')"
expect "the service" active "$(systemctl is-active lethed.service)"
lethe script put hello "$sources/tests/hello.js"
expect "a call from Python" "Hello, Python!" "$(python3 -c 'import lethe; print(lethe.connect().call("hello", "greet", "Python"))')"

# A further instance.
mkdir /etc/lethe@blue
printf '[pool.default]\nworkers = 1\n' >/etc/lethe@blue/lethe.toml
systemctl enable --now lethed@blue.socket
blue=(lethe --socket /run/lethe@blue/lethe.sock)
expect "the instance" 42 "$("${blue[@]}" eval '6*7')"

# Each file is as the package has it; every directory of its own is the package's; manual pages can be found.
rpm --verify --nodeps lethe liblethe liblethe-devel python3-lethe
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
pid=$(main_pid) blue_pid=$(property MainPID lethed@blue)
load_start
rpm --upgrade --nodeps --force "${rpms[@]}"
sleep 0.5
load_stop
load_expect_no_error
main_pid_is_not "$pid" || fail "the service was not restarted"
expect "the instance" 42 "$("${blue[@]}" eval '6*7')"
[ "$(property MainPID lethed@blue)" != "$blue_pid" ] || fail "the instance was not restarted"
tail -n 1 /etc/lethe/lethe.toml | grep '# changed here'
expect "a script of before" '"Hello, upgrade!"' "$(lethe call hello greet '"upgrade"')"

# Another package brings a library of V8's: the service runs with it at once.
cat >v8.spec <<'EOF'
Name: v8-of-the-test
Version: 1
Release: 1
Summary: A file where the library of V8 would be
License: Apache-2.0
%description
%{summary}.
%install
mkdir -p %{buildroot}%{_libdir}
echo >%{buildroot}%{_libdir}/libnode.so.999
%files
%{_libdir}/libnode.so.999
EOF
rpmbuild -bb --quiet --define "_topdir $work/rpmbuild" v8.spec
pid=$(main_pid)
rpm --install --nodeps rpmbuild/RPMS/*/v8-of-the-test-*.rpm
main_pid_is_not "$pid" || fail "the service was not restarted when V8's library came"
expect "after that" 42 "$(lethe eval '6*7')"

# Removed: nothing runs, scripts and the changed configuration stay.
rpm --erase lethe liblethe liblethe-devel python3-lethe
if pgrep -u lethe -l; then fail "processes are left"; fi
[ ! -e "$socket" ] || fail "the socket is left"
if systemctl --no-legend list-units 'lethed*' --state=active | grep .; then fail "units are left"; fi
expect "links to units" "" "$(find /etc/systemd/system -name 'lethed*')"
[ ! -e /usr/sbin/lethed ] || fail "a program is left"
[ -n "$(ls -A /var/lib/lethe)" ] || fail "the scripts are gone"
grep '# changed here' /etc/lethe/lethe.toml.rpmsave
