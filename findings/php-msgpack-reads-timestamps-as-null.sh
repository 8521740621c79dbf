#!/bin/bash
# One would guess: PHP's extension msgpack makes a date or some object of the timestamp of MessagePack's specification, or says that it
# can't.
#
# What happens: it reads each extension type as null, without a warning. A row's date is as if it had not been there, and what is
# packed again is nil for good.
#
# Who meets it: PHP programs that read what JavaScript, Python or Ruby wrote from a Date or Time of theirs; a cache or a queue in
# between that unpacks and packs loses the dates of all others.
#
# Documented: no. The specification has the timestamp since 2017
# (https://github.com/msgpack/msgpack/blob/master/spec.md#timestamp-extension-type).
# Seen with php8.2-msgpack 1:2.2.0~rc2-3, php8.2-cli 8.2.36-1~deb12u1, written by Python's msgpack 1.0.3 (Debian 12).
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
apt-get -q -o APT::Sandbox::User=root download php8.2-msgpack=1:2.2.0~rc2-3 php8.2-cli=8.2.36-1~deb12u1 php8.2-common=8.2.36-1~deb12u1 \
  >/dev/null
for package in ./*.deb; do dpkg-deb -x "$package" .; done
php() { usr/bin/php8.2 -n -d extension="$(echo "$PWD"/usr/lib/php/*/msgpack.so)" "$@"; }
php -r 'echo "PHP ", PHP_VERSION, ", msgpack ", phpversion("msgpack"), "\n";'
/usr/bin/python3 -c '
import datetime, msgpack
at = datetime.datetime(2024, 1, 31, tzinfo=datetime.timezone.utc)
print(msgpack.packb({"name": "a", "at": at, "shape": msgpack.ExtType(5, b"xy")}, datetime=True).hex())' > row
# shellcheck disable=SC2016
php -d error_reporting=-1 -d display_errors=1 -r '
  $row = msgpack_unpack(hex2bin(trim(file_get_contents("row"))));
  echo json_encode($row), "\n", bin2hex(msgpack_pack($row["at"])), "\n";' | tee result
diff result - <<'R'
{"name":"a","at":null,"shape":null}
c0
R
