#!/bin/bash
# One would guess: a text is unpacked as it was packed, or at least all texts in the same way.
#
# What happens: msgpackr reads texts of up to 64 bytes with a loop of its own, @msgpack/msgpack those of up to 200, and both read longer
# ones with TextDecoder, which takes U+FEFF at the beginning for a mark of byte order and drops it unless ignoreBOM is set. A longer
# text is a character shorter when it comes back. With msgpackr's add-on msgpackr-extract, an optional dependency, no text loses
# anything: the same program gives other data where that is not installed (--omit=optional, a platform without a build of it).
#
# Who meets it: who keeps files as texts (CSV as spreadsheets save it, sources from Windows) and compares digests or lengths, signs
# them, or uses offsets into them. Tests with short texts find nothing, nor do those of msgpackr on a machine that has the add-on.
#
# Documented: no. msgpackr's README says of the add-on that it is for speed. The WHATWG's encoding standard
# (https://encoding.spec.whatwg.org/#interface-textdecoder) has ignoreBOM.
# Seen with msgpackr 2.1.4, with and without its add-on, @msgpack/msgpack 3.1.3, beside notepack.io 3.0.1, which is right, with Node.js
# 20.20.2.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
packages=(msgpackr@2.1.4 @msgpack/msgpack@3.1.3 notepack.io@3.0.1)
mkdir with without
for folder in with without; do
  omit=()
  if [ $folder = without ]; then omit=(--omit=optional); fi
  npm install --silent --no-audit --no-fund --ignore-scripts "${omit[@]}" --prefix $folder "${packages[@]}" >/dev/null
done
cat > texts.js <<'JS'
const msgpackr = require('msgpackr');
const other = require('@msgpack/msgpack');
const notepack = require('notepack.io');
const libraries = {
  [msgpackr.isNativeAccelerationEnabled ? 'msgpackr with its add-on' : 'msgpackr']: text => msgpackr.unpack(msgpackr.pack(text)),
  '@msgpack/msgpack': text => other.decode(other.encode(text)),
  'notepack.io': text => notepack.decode(notepack.encode(text)),
};
for (const [name, back] of Object.entries(libraries)) {
  const short = [64, 65, 200, 201].filter(bytes => {
    const text = '\ufeff' + 'x'.repeat(bytes - 3);
    return back(text) !== text;
  });
  console.log(`${name} shortens texts of these numbers of bytes:`, short.join(', ') || 'none');
}
JS
echo "Node.js $(node --version), ${packages[*]}"
for folder in with without; do NODE_PATH=$folder/node_modules node texts.js; done | LC_ALL=C sort -u | tee result
diff result - <<'R'
@msgpack/msgpack shortens texts of these numbers of bytes: 201
msgpackr shortens texts of these numbers of bytes: 65, 200, 201
msgpackr with its add-on shortens texts of these numbers of bytes: none
notepack.io shortens texts of these numbers of bytes: none
R
