// What every JavaScript peer runs, as one classic script. Functions in it are called by name.
let visits = 0;

// W1: nothing but the way there and back.
function tiny(x) {
  return x + 1;
}

// An async action: it awaits ten times.
async function later(x) {
  let sum = 0;
  for (let i = 0; i < 10; ++i) sum += await x;
  return sum;
}

// Is state clean? One request leaves something, others look for it.
function leave() {
  visits += 1;
  globalThis.left = true;
  Array.prototype.left = true;
  return true;
}
function look() {
  return {global: 'left' in globalThis, prototype: 'left' in Array.prototype, variable: visits > 0};
}

// Which of the APIs that scripts for browsers and servers expect are not there.
function missing() {
  const names = ['Intl', 'WebAssembly', 'console', 'setTimeout', 'structuredClone', 'URL', 'TextEncoder', 'crypto'];
  return names.filter((name) => typeof globalThis[name] === 'undefined');
}

// Of tests/limits: what does not end by itself, and what takes all memory.
function loop() {
  while (1);
}
function regular_expression() {
  return /(a+)+$/.test('a'.repeat(40) + 'b');
}
function native_loop() {
  return new Array(1e9).fill(0).length;
}
async function awaited_loop() {
  for (;;) await null;
}
function bomb() {
  const a = [];
  for (;;) a.push({n: a.length});
}
