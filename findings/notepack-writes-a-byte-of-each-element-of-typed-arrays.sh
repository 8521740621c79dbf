#!/bin/bash
# One would guess: a typed array becomes bin with its bytes, as a Buffer does, or an array of its numbers, or is refused.
#
# What happens: notepack.io writes bin with one byte for each element: the element's value modulo 256, without its fraction. Of the
# Float32Array [1.5, 300] the bytes 1 and 44 are left, of a Uint16Array likewise, of a DataView nothing. Uint8Array is right. No
# error is raised, and the message is well-formed; no reader can get the numbers back. Of the others here, @msgpack/msgpack and
# what-the-pack write the bytes, @ygoe/msgpack an array of numbers, messagepack a map from texts of the indices.
#
# Who meets it: audio, vectors of embeddings and coordinates sent from JavaScript. It works with bytes, and with 16-bit samples
# below 256.
#
# Documented: no. notepack.io's README says that an ArrayBuffer is encoded as bin, and shows it with a Uint8Array.
# https://github.com/darrachequesne/notepack/pull/14 speaks of views and was closed; that was about their offset.
# Seen with notepack.io 3.0.1, @msgpack/msgpack 3.1.3, what-the-pack 2.0.3, @ygoe/msgpack 1.0.3, messagepack 1.1.12, with Node.js
# 20.20.2, read by Python's msgpack 1.0.3 (Debian 12).
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
packages=(notepack.io@3.0.1 @msgpack/msgpack@3.1.3 what-the-pack@2.0.3 @ygoe/msgpack@1.0.3 messagepack@1.1.12)
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . "${packages[@]}" >/dev/null
cat > write.js <<'JS'
const encoders = {
  'notepack.io': require('notepack.io').encode,
  '@msgpack/msgpack': require('@msgpack/msgpack').encode,
  'what-the-pack': require('what-the-pack').initialize(1024, () => {}).encode,
  '@ygoe/msgpack': require('@ygoe/msgpack').serialize,
  messagepack: require('messagepack').encode,
};
const arrays = [Uint8Array.of(1, 44), Float32Array.of(1.5, 300)];
for (const [name, encode] of Object.entries(encoders))
  console.log(name, ...arrays.map(array => Buffer.from(encode(array)).toString('hex')));
JS
cat > read.py <<'PY'
import msgpack, sys
for line in sys.stdin:
    name, *messages = line.split()
    values = [msgpack.unpackb(bytes.fromhex(message)) for message in messages]
    print(f"{name}:", *(f"bin {value.hex()}" if isinstance(value, bytes) else value for value in values))
PY
echo "Node.js $(node --version), ${packages[*]}"
node write.js | /usr/bin/python3 read.py | tee result
diff result - <<'R'
notepack.io: bin 012c bin 012c
@msgpack/msgpack: bin 012c bin 0000c03f00009643
what-the-pack: bin 012c bin 0000c03f00009643
@ygoe/msgpack: bin 012c [1.5, 300]
messagepack: bin 012c {'0': 1.5, '1': 300}
R
