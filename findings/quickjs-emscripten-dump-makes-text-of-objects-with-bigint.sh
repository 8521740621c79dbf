#!/bin/bash
# One would guess: context.dump(handle) of quickjs-emscripten copies a result out of the engine. It gives 10n as a BigInt, and objects
# as objects; so it gives an object that has a BigInt in it as such an object, or throws as JSON.stringify does.
#
# What happens: an object is copied as JSON inside of the engine, and if that fails, what dump returns is its toString(). One BigInt
# anywhere below, a cycle, or a getter that throws, and the whole result is the text "[object Object]"; of an array it is the
# elements with commas between them, [1, 2n] is "1,2". No error is raised, and a caller that only passes the result on, notices
# nothing.
#
# Who meets it: servers that run others' JavaScript and answer with its result. The script is right by itself and gives a right
# answer until a number of its result becomes a BigInt, as identifiers of databases do.
#
# Documented: in one line at the method, "Returns handle.toString() if it cannot be serialized to JSON"; the README, which uses dump
# throughout, does not tell. https://github.com/justjake/quickjs-emscripten/issues/241 is about the same text by lack of memory.
# Seen with quickjs-emscripten 0.32.0, Node.js 20.20.2.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . quickjs-emscripten@0.32.0 >/dev/null
cat > results.js <<'JS'
const { getQuickJS } = require('quickjs-emscripten');
getQuickJS().then(engine => {
  const context = engine.newContext();
  for (const source of ['10n', '({ rows: [{ id: 7 }] })', '({ rows: [{ id: 7n }] })', '[1, 2n]']) {
    const handle = context.unwrapResult(context.evalCode(source));
    const value = context.dump(handle);
    console.log(source, 'is', typeof value, typeof value === 'object' ? JSON.stringify(value) : String(value));
    handle.dispose();
  }
  context.dispose();
});
JS
echo "Node.js $(node --version), quickjs-emscripten $(node -p 'require("quickjs-emscripten/package.json").version')"
node results.js | tee result
diff result - <<'R'
10n is bigint 10
({ rows: [{ id: 7 }] }) is object {"rows":[{"id":7}]}
({ rows: [{ id: 7n }] }) is string [object Object]
[1, 2n] is string 1,2
R
