#!/bin/bash
# One would guess: a library that writes MessagePack's timestamps writes those before 1970 as well, as the format has a signed 64-bit
# count of seconds for them.
#
# What happens: the nanoseconds have no sign and always count forwards, so that half a second before 1970 is -1 s and 500000000 ns.
# @ygoe/msgpack rounds the seconds towards 1970 instead of down: dates before it are a second late. messagepack does the same, and
# keeps the negative remainder, which becomes almost 2^32 in the unsigned field: dates are 4.295 seconds late, and what is written
# are more nanoseconds than a second has. Whole seconds are right, and so is all from 1970 on. No reader here complains.
#
# Who meets it: whoever computes with historical dates: a fraction of a second is enough, as Date has it after any division.
#
# Documented: no. https://github.com/ygoe/msgpack.js/issues/9 was about such dates, and mended the reading of them. The specification
# (https://github.com/msgpack/msgpack/blob/master/spec.md, "Timestamp extension type") says that nanoseconds must not be larger than
# 999999999.
# Seen with messagepack 1.1.12, @ygoe/msgpack 1.0.3, beside notepack.io 3.0.1, which is right, read by @msgpack/msgpack 3.1.3, with
# Node.js 20.20.2.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
packages=(@msgpack/msgpack@3.1.3 notepack.io@3.0.1 messagepack@1.1.12 @ygoe/msgpack@1.0.3)
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . "${packages[@]}" >/dev/null
cat > dates.js <<'JS'
const encoders = {
  'notepack.io': require('notepack.io').encode,
  messagepack: require('messagepack').encode,
  '@ygoe/msgpack': require('@ygoe/msgpack').serialize,
};
const { decode } = require('@msgpack/msgpack');
for (const text of ['1969-07-20T20:17:40.000Z', '1969-07-20T20:17:40.500Z', '1970-07-20T20:17:40.500Z']) {
  console.log(text);
  for (const [name, encode] of Object.entries(encoders)) console.log(' ', name, decode(encode(new Date(text))).toISOString());
}
JS
echo "Node.js $(node --version), ${packages[*]}"
node dates.js | tee result
diff result - <<'R'
1969-07-20T20:17:40.000Z
  notepack.io 1969-07-20T20:17:40.000Z
  messagepack 1969-07-20T20:17:40.000Z
  @ygoe/msgpack 1969-07-20T20:17:40.000Z
1969-07-20T20:17:40.500Z
  notepack.io 1969-07-20T20:17:40.500Z
  messagepack 1969-07-20T20:17:44.795Z
  @ygoe/msgpack 1969-07-20T20:17:41.500Z
1970-07-20T20:17:40.500Z
  notepack.io 1970-07-20T20:17:40.500Z
  messagepack 1970-07-20T20:17:40.500Z
  @ygoe/msgpack 1970-07-20T20:17:40.500Z
R
