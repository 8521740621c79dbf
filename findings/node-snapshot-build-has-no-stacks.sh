#!/bin/bash
# One would guess: what a program does while it loads, it can also do while Node.js makes a startup snapshot of it
# (--build-snapshot), as long as it opens nothing; the manual lists what is not there yet, and errors are not on the list.
#
# What happens: no error has a stack. Error.stackTraceLimit is not set while a snapshot is built, and V8 collects no frames
# then: error.stack is there as a property, and undefined, of errors that are thrown as well; Error.captureStackTrace gives
# nothing. Errors that are made then have none later, either, when the snapshot runs. Setting Error.stackTraceLimit at the
# program's beginning mends it.
#
# Who meets it: who puts a server into a snapshot to start faster. The package depd asks for its caller's place when it is
# loaded, and http-errors, send, body-parser and express load it: the build ends with "Cannot read properties of undefined
# (reading 'getFileName')", far from the cause.
#
# Documented: as a bug, https://github.com/nodejs/node/issues/55100 and https://github.com/nodejs/node/pull/55121, mended in later
# versions; the manual of Node.js 20 says nothing of it. Seen with Node.js 20.20.2, depd 2.0.0, esbuild 0.25.12.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
npm install --silent --no-audit --no-fund --prefix . node@20.20.2 depd@2.0.0 esbuild@0.25.12 >/dev/null
node=$scratch/node_modules/node/bin/node
cat > stacks.js <<'JS'
const v8 = require('node:v8');
const made = new Error('made');
let thrown;
try {
  undefined.x;
} catch (error) {
  thrown = error;
}
console.log('at the build: limit', Error.stackTraceLimit, 'made', typeof made.stack, 'thrown', typeof thrown.stack);
v8.startupSnapshot.setDeserializeMainFunction(() => {
  console.log('at the run: limit', Error.stackTraceLimit, 'made', typeof made.stack, 'thrown', typeof thrown.stack, 'new', typeof new Error().stack);
});
JS
cat > deprecated.js <<'JS'
const deprecate = require('depd')('shop');
console.log('loaded', typeof deprecate.function(() => 1, 'an old function'));
JS
node_modules/.bin/esbuild deprecated.js --bundle --platform=node --outfile=bundle.js --log-level=error
(echo 'Error.stackTraceLimit = 10;' && cat bundle.js) > mended.js
echo "Node.js $("$node" --version), depd $("$node" -p 'require("depd/package.json").version')"
{
  "$node" --snapshot-blob blob --build-snapshot stacks.js
  "$node" --snapshot-blob blob stacks.js
  "$node" bundle.js
  "$node" --snapshot-blob blob --build-snapshot bundle.js 2>&1 | grep -o "^TypeError: .*" || true
  "$node" --snapshot-blob blob --build-snapshot mended.js
} | tee result
diff result - <<'R'
at the build: limit undefined made undefined thrown undefined
at the run: limit 10 made undefined thrown undefined new string
loaded function
TypeError: Cannot read properties of undefined (reading 'getFileName')
loaded function
R
