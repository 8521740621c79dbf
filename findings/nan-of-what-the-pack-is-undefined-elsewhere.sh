#!/bin/bash
# One would guess: a NaN or an infinity travels as a float, in which MessagePack has them; and what a reader does not know, it gives
# as an extension, or refuses.
#
# What happens: what-the-pack saves bytes and writes NaN, Infinity and -Infinity as extension type 0 with the data 1, 2 and 3.
# Extension type 0 with data 0 is undefined in several libraries for JavaScript, and msgpackr and notepack.io do not look at the data:
# all three arrive as undefined, without an error. Then JSON.stringify drops the property, and a default value takes its place: a
# limit of Infinity, read by const { limit = 10 } = message, is 10.
#
# Who meets it: whoever mixes these libraries; and whoever uses type 0 for an extension of his own, as MessagePack allows (0 to 127
# are the application's): msgpackr reads any value of it, of any length, as undefined.
#
# Documented: in halves. what-the-pack's README lists its use of type 0. msgpackr's says that type 0 with data 0 is undefined "to
# match other JS implementations", and that one's own types are 1 to 100, but not what becomes of other data;
# https://github.com/kriszyp/msgpackr/issues/150 asks about type 0 and is open. notepack.io's says it has no extension types.
# Seen with what-the-pack 2.0.3, msgpackr 2.1.4, notepack.io 3.0.1, @msgpack/msgpack 3.1.3, with Node.js 20.20.2.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
packages=(what-the-pack@2.0.3 msgpackr@2.1.4 notepack.io@3.0.1 @msgpack/msgpack@3.1.3)
npm install --silent --no-audit --no-fund --ignore-scripts --omit=optional --prefix . "${packages[@]}" >/dev/null
cat > limits.js <<'JS'
const { encode } = require('what-the-pack').initialize(1024, () => {});
const { decode, ExtData } = require('@msgpack/msgpack');
const decoders = { msgpackr: require('msgpackr').unpack, 'notepack.io': require('notepack.io').decode, '@msgpack/msgpack': decode };
for (const number of [NaN, Infinity])
  for (const [name, decoder] of Object.entries(decoders)) {
    const value = decoder(Buffer.from(encode(number)));
    console.log(`${number} is read by ${name} as`, value instanceof ExtData ? `extension ${value.type}` : String(value));
  }
JS
echo "Node.js $(node --version), ${packages[*]}"
node limits.js | tee result
diff result - <<'R'
NaN is read by msgpackr as undefined
NaN is read by notepack.io as undefined
NaN is read by @msgpack/msgpack as extension 0
Infinity is read by msgpackr as undefined
Infinity is read by notepack.io as undefined
Infinity is read by @msgpack/msgpack as extension 0
R
