#!/bin/bash
# One would guess: an array with a hole, [1, , 3], is written with nil for it, or refused; whatever it is, it is one message.
#
# What happens: the npm package messagepack writes the array's length, 3, and then its elements with forEach, which leaves holes out.
# The message is an element short, and the reader of a stream takes the next message for it: of [1, , 3] and "next" it makes one
# message, [1, 3, "next"]. Neither side sees an error, all that was sent was read, and with a connection that counts answers
# everything after it is off by one. undefined, written out, becomes nil; only true holes are left out.
#
# Who meets it: whoever makes arrays with new Array(n) or by their indices, or deletes an element, and streams messages without
# frames, as MessagePack-RPC has it. A reader of single messages gets an error for too few bytes.
#
# Documented: no. msgpack5 had the same (https://github.com/mcollina/msgpack5/issues/91), and refuses such arrays since; the other
# libraries here write nil.
# Seen with messagepack 1.1.12, beside @msgpack/msgpack 3.1.3, notepack.io 3.0.1, with Node.js 20.20.2, read by Python's msgpack 1.0.3
# (Debian 12).
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
packages=(messagepack@1.1.12 @msgpack/msgpack@3.1.3 notepack.io@3.0.1)
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . "${packages[@]}" >/dev/null
cat > write.js <<'JS'
const { encode } = require(process.argv[2]);
for (const message of [[1, undefined, 3], [1, , 3], 'next']) process.stdout.write(Buffer.from(encode(message)));
JS
cat > read.py <<'PY'
import msgpack, sys
print(*msgpack.Unpacker(sys.stdin.buffer), sep="  ")
PY
echo "Node.js $(node --version), ${packages[*]}"
for package in messagepack @msgpack/msgpack notepack.io; do
  echo "$package: $(node write.js $package | /usr/bin/python3 read.py)"
done | tee result
diff result - <<'R'
messagepack: [1, None, 3]  [1, 3, 'next']
@msgpack/msgpack: [1, None, 3]  [1, None, 3]  next
notepack.io: [1, None, 3]  [1, None, 3]  next
R
