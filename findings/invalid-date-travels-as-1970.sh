#!/bin/bash
# One would guess: an invalid Date (of JavaScript, as new Date("2026-13-01") is) is refused, or becomes nil as in JSON.
#
# What happens: its time is NaN, and what a library computes from it and puts into the integers of a timestamp is 0. @msgpack/msgpack,
# notepack.io, messagepack and msgpack5 write 1 January 1970, a valid date that no reader can doubt; @ygoe/msgpack writes the
# second before it. None of them says so. msgpackr writes a timestamp of one byte, for which others refuse the whole message.
#
# Who meets it: whoever parses dates of users and sends them on: what was an error in the sender is a date of birth, or a lease that
# ended long ago, in the receiver.
#
# Documented: not by the libraries. https://github.com/kriszyp/msgpackr/issues/48 compares some of them, and says what holds for all:
# MessagePack has no way to write such a date.
# Seen with @msgpack/msgpack 3.1.3, notepack.io 3.0.1, messagepack 1.1.12, msgpack5 6.1.0, @ygoe/msgpack 1.0.3, msgpackr 2.1.4, with
# Node.js 20.20.2, read by Python's msgpack 1.0.3 (Debian 12).
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
packages=(@msgpack/msgpack@3.1.3 notepack.io@3.0.1 messagepack@1.1.12 msgpack5@6.1.0 @ygoe/msgpack@1.0.3 msgpackr@2.1.4)
npm install --silent --no-audit --no-fund --ignore-scripts --omit=optional --prefix . "${packages[@]}" >/dev/null
cat > write.js <<'JS'
const encoders = {
  '@msgpack/msgpack': require('@msgpack/msgpack').encode,
  'notepack.io': require('notepack.io').encode,
  messagepack: require('messagepack').encode,
  msgpack5: require('msgpack5')().encode,
  '@ygoe/msgpack': require('@ygoe/msgpack').serialize,
  msgpackr: require('msgpackr').pack,
};
for (const [name, encode] of Object.entries(encoders))
  console.log(name, encode(new Date('2026-13-01')).slice().reduce((hex, byte) => hex + byte.toString(16).padStart(2, '0'), ''));
JS
cat > read.py <<'PY'
import msgpack, sys
for line in sys.stdin:
    name, message = line.split()
    try:
        print(name, msgpack.unpackb(bytes.fromhex(message), timestamp=3))
    except ValueError as error:
        print(name, "is refused:", error)
PY
echo "Node.js $(node --version), ${packages[*]}"
node write.js | /usr/bin/python3 read.py | tee result
diff result - <<'R'
@msgpack/msgpack 1970-01-01 00:00:00+00:00
notepack.io 1970-01-01 00:00:00+00:00
messagepack 1970-01-01 00:00:00+00:00
msgpack5 1970-01-01 00:00:00+00:00
@ygoe/msgpack 1969-12-31 23:59:59+00:00
msgpackr is refused: Unpack failed: error = -1
R
