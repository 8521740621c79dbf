#!/bin/bash
# One would guess: a JavaScript number is a double; a packer writes it as an integer if it is whole and fits, and else as a float 64.
#
# What happens: notepack.io, messagepack and what-the-pack ask only whether it is whole, as every double beyond 2^53 is, and write
# the number modulo 2^64. @ygoe/msgpack does so from 2^63 on, signed, and writes the largest integer beyond 2^64. 6.02214076e23
# arrives as 1668969677964967936, 2^64 and 1e300 arrive as 0, 1e19 from @ygoe/msgpack as a negative number. No error is raised, and
# what the readers get is well-formed.
#
# Who meets it: constants and measured values of physics, sums of squares, Number.MAX_VALUE as "no limit". 1.5e15 and 0.1 are right
# in all four, so that a test with ordinary numbers finds nothing.
#
# Documented: not by the libraries. https://github.com/darrachequesne/notepack/issues/30 reports it of notepack.io alone and is open. The
# specification (https://github.com/msgpack/msgpack/blob/master/spec.md) lets a serializer choose among the formats that can
# represent an object; an integer cannot represent these.
# Seen with notepack.io 3.0.1, messagepack 1.1.12, what-the-pack 2.0.3, @ygoe/msgpack 1.0.3, beside @msgpack/msgpack 3.1.3, which is
# right, Node.js 20.20.2, and Python's msgpack 1.0.3 (Debian 12) as reader.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
packages=(@msgpack/msgpack@3.1.3 notepack.io@3.0.1 messagepack@1.1.12 what-the-pack@2.0.3 @ygoe/msgpack@1.0.3)
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . "${packages[@]}" >/dev/null
cat > write.js <<'JS'
const encoders = {
  '@msgpack/msgpack': require('@msgpack/msgpack').encode,
  'notepack.io': require('notepack.io').encode,
  messagepack: require('messagepack').encode,
  'what-the-pack': require('what-the-pack').initialize(1024, () => {}).encode,
  '@ygoe/msgpack': require('@ygoe/msgpack').serialize,
};
const numbers = [1.5e15, 1e19, 2 ** 64, 6.02214076e23, -1e300];
console.log(['sent', ...numbers].join(' '));
for (const [name, encode] of Object.entries(encoders))
  console.log(name, ...numbers.map(number => Buffer.from(encode(number)).toString('hex')));
JS
cat > read.py <<'PY'
import msgpack, sys
print(next(sys.stdin), end="")
for line in sys.stdin:
    name, *messages = line.split()
    print(name, *(msgpack.unpackb(bytes.fromhex(message)) for message in messages))
PY
echo "Node.js $(node --version), ${packages[*]}"
node write.js | /usr/bin/python3 read.py | tee result
diff result - <<'R'
sent 1500000000000000 10000000000000000000 18446744073709552000 6.02214076e+23 -1e+300
@msgpack/msgpack 1500000000000000 1e+19 1.8446744073709552e+19 6.02214076e+23 -1e+300
notepack.io 1500000000000000 10000000000000000000 0 1668969677964967936 0
messagepack 1500000000000000 10000000000000000000 0 1668969677964967936 0
what-the-pack 1500000000000000 10000000000000000000 0 1668969677964967936 0
@ygoe/msgpack 1500000000000000 -8446744073709551616 0 18446744073709551615 -9223372036854775808
R
