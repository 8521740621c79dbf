#!/bin/bash
# One would guess: a list of two rows that a PHP loop went over by reference, or that holds the same row twice, is packed as the rows
# that it shows when it is printed.
#
# What happens: the extension msgpack keeps PHP's references. A row that is one gets a pair more, nil: 1, before its own; where the
# same one comes again, {nil: 2, 0: N} stands in its place, the N-th value of the message, and none of its data. That `foreach ($rows
# as &$row)` was there is not to be seen in $rows afterwards, by print_r or json_encode. Other libraries read maps with a key that is
# nil (which JavaScript libraries make null or "null", or refuse), and a number for the second row. With msgpack.php_only=0 the
# marks are gone; but then objects lose the names of their properties, and are lists of values.
#
# Who meets it: whoever sends PHP's data to a program in another language, and changes rows in a loop by reference before.
#
# Documented: no. Somebody met the nil key in sessions, whose values are references (https://github.com/msgpack/msgpack-php/issues/50,
# closed).
# Seen with php8.2-msgpack 1:2.2.0~rc2-3, php8.2-cli 8.2.36-1~deb12u1, read by Python's msgpack 1.0.3 (Debian 12).
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
apt-get -q -o APT::Sandbox::User=root download php8.2-msgpack=1:2.2.0~rc2-3 php8.2-cli=8.2.36-1~deb12u1 php8.2-common=8.2.36-1~deb12u1 \
  >/dev/null
for package in ./*.deb; do dpkg-deb -x "$package" .; done
cat > rows.php <<'PHP'
<?php
function show($what, $value) { echo $what, ' ', json_encode($value), ' ', bin2hex(msgpack_pack($value)), "\n"; }
$rows = [['n' => 1], ['n' => 2]];
show('rows', $rows);
foreach ($rows as &$row) $row['n'] += 0;
show('gone-over', $rows);
$limits = ['most' => 10];
show('same-twice', ['a' => &$limits, 'b' => &$limits]);
PHP
php() { usr/bin/php8.2 -n -d extension="$(echo "$PWD"/usr/lib/php/*/msgpack.so)" "$@"; }
php -r 'echo "PHP ", PHP_VERSION, ", msgpack ", phpversion("msgpack"), "\n";'
php rows.php | /usr/bin/python3 -c '
import msgpack, sys
for line in sys.stdin:
    what, shown, packed = line.split()
    print(what, shown, msgpack.unpackb(bytes.fromhex(packed), strict_map_key=False))' | tee result
diff result - <<'R'
rows [{"n":1},{"n":2}] [{'n': 1}, {'n': 2}]
gone-over [{"n":1},{"n":2}] [{None: 1, 'n': 1}, {None: 1, 'n': 2}]
same-twice {"a":{"most":10},"b":{"most":10}} {'a': {None: 1, 'most': 10}, 'b': {None: 2, 0: 2}}
R
