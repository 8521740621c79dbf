// SPDX-License-Identifier: Apache-2.0
// Leaks by way of memory: buffers, WebAssembly, large and strange heaps, compiled code.

//: an ArrayBuffer that stays
globalThis.buffer ??= new ArrayBuffer(64);
++new Uint8Array(buffer)[0];
++new Uint8Array(buffer)[0] + new Uint8Array(buffer).join('').length;

//: a large ArrayBuffer
globalThis.large_buffer ??= new Uint8Array(8 << 20);
{ const found = large_buffer[12345]; large_buffer.fill(7); found; }

//: memory that was freed is not read again
{ let sum = 0; for (let i = 0; i < 50; ++i) { const bytes = new Uint8Array(100000); for (let at = 0; at < 100000; at += 1000) sum += bytes[at]; bytes.fill(0xee); } sum; }

//: uninitialised memory of typed arrays of all sizes
{ let sum = 0; for (let size = 1; size < 70000; size = size * 2 + 1) { const bytes = new Uint8Array(size); for (const byte of bytes) sum += byte; bytes.fill(0xaa); } sum; }

//: a detached buffer
globalThis.detachable ??= new ArrayBuffer(8);
{ const before = detachable.byteLength; if (typeof structuredClone === 'function') structuredClone(detachable, { transfer: [detachable] }); else if (detachable.transfer) detachable.transfer(); before; }

//: a resizable buffer
globalThis.resizable ??= (() => { try { return new ArrayBuffer(8, { maxByteLength: 1 << 20 }); } catch { return new ArrayBuffer(8); } })();
{ const before = resizable.byteLength; if (resizable.resize && resizable.resizable) resizable.resize(before + 4096); before; }

//: a view that outlives a scope
globalThis.view ??= new DataView(new ArrayBuffer(16), 4, 8);
{ const found = view.getFloat64(0); view.setFloat64(0, Math.PI); found; }

//: a SharedArrayBuffer
if (typeof SharedArrayBuffer === 'function') globalThis.shared ??= new Int32Array(new SharedArrayBuffer(1024));
typeof shared === 'undefined' ? 'none' : Atomics.add(shared, 0, 1);

//: a large SharedArrayBuffer
if (typeof SharedArrayBuffer === 'function') globalThis.shared_large ??= new Int32Array(new SharedArrayBuffer(4 << 20));
typeof shared_large === 'undefined' ? 'none' : (shared_large.fill(1, 1000), shared_large[0]++);

//: a growable SharedArrayBuffer
globalThis.growable ??= (() => { try { return new SharedArrayBuffer(8, { maxByteLength: 1 << 20 }); } catch { return {}; } })();
{ const before = growable.byteLength; if (growable.grow && growable.growable) growable.grow(before + 4096); String(before); }

//: a WebAssembly memory
globalThis.wasm_memory ??= typeof WebAssembly === 'object' ? new WebAssembly.Memory({ initial: 1, maximum: 10 }) : { buffer: new ArrayBuffer(8), grow() {} };
{ const bytes = new Uint8Array(wasm_memory.buffer); bytes[7] += 1; bytes[7]; }

//: a WebAssembly memory grown
globalThis.wasm_growing ??= typeof WebAssembly === 'object' ? new WebAssembly.Memory({ initial: 1, maximum: 10 }) : { grow: () => 1 };
wasm_growing.grow(1);

//: a shared WebAssembly memory
globalThis.wasm_shared ??= typeof WebAssembly === 'object' && typeof SharedArrayBuffer === 'function' ? new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true }) : null;
wasm_shared ? Atomics.add(new Int32Array(wasm_shared.buffer), 3, 1) : 0;

//: a WebAssembly global
globalThis.wasm_global ??= typeof WebAssembly === 'object' ? new WebAssembly.Global({ value: 'i32', mutable: true }, 0) : { value: 0 };
wasm_global.value += 1;

//: a WebAssembly table
globalThis.wasm_table ??= typeof WebAssembly === 'object' ? new WebAssembly.Table({ element: 'anyfunc', initial: 1 }) : { grow: () => 1 };
wasm_table.grow(3);

//: a WebAssembly table of externrefs
globalThis.wasm_references ??= (() => { try { return new WebAssembly.Table({ element: 'externref', initial: 2 }); } catch { return new Map(); } })();
{ const found = wasm_references.get(1); wasm_references.set(1, { secret: 1 }); String(found); }

//: a WebAssembly instance with a counter in a global and in memory
globalThis.wasm_counter ??= typeof WebAssembly === 'object' ? new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, // magic, version
  1, 5, 1, 96, 0, 1, 127, // type: () -> i32
  3, 2, 1, 0, // one function
  6, 6, 1, 127, 1, 65, 0, 11, // one mutable i32 global, 0
  7, 8, 1, 4, 110, 101, 120, 116, 0, 0, // export "next"
  10, 13, 1, 11, 0, 35, 0, 65, 1, 106, 36, 0, 35, 0, 11, // ++global; global
]))).exports.next : () => 1;
wasm_counter();

//: a WebAssembly module compiled asynchronously
typeof WebAssembly === 'object' ? WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])).then((module) => { globalThis.wasm_modules = (globalThis.wasm_modules ?? 0) + 1; return wasm_modules; }) : 1;

//: hundreds of WebAssembly modules
{ let n = 0; if (typeof WebAssembly === 'object') for (let i = 0; i < 200; ++i) n += Object.keys(new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))).exports).length; n; }

//: a WebAssembly function as a global's method
if (typeof WebAssembly === 'object') WebAssembly.instantiate = () => 'planted';
//? typeof WebAssembly === 'object' ? /native/.test(String(WebAssembly.instantiate)) : true

//: WebAssembly exceptions and tags
if (typeof WebAssembly === 'object' && WebAssembly.Tag) globalThis.wasm_tag ??= new WebAssembly.Tag({ parameters: ['i32'] });
typeof wasm_tag === 'undefined' ? 0 : (wasm_tag.n = (wasm_tag.n ?? 0) + 1);

//: thirty megabytes of garbage
{ let total = 0; for (let i = 0; i < 300; ++i) total += new Array(12500).fill(i).length; total; }

//: twenty megabytes that stay
globalThis.heap ??= [];
for (let i = 0; i < 20; ++i) heap.push(new Array(131072).fill(i));
heap.length;

//: a million small objects that stay
globalThis.small ??= [];
for (let i = 0; i < 200000; ++i) small.push({ i });
small.length;

//: a linked list that is deep
globalThis.list = globalThis.list ?? null;
for (let i = 0; i < 100000; ++i) list = { list };
typeof list.list;

//: old objects that point at young ones
globalThis.old ??= Array.from({ length: 1000 }, () => ({}));
for (let i = 0; i < 100; ++i) new Array(10000).fill(i);
for (const object of old) object.young = { n: (object.young?.n ?? 0) + 1 };
old[999].young.n;

//: large strings
globalThis.text ??= '';
text += 'x'.repeat(1 << 20); text.length;

//: a two-byte string that is flattened
globalThis.wide ??= 'é\u4e2d'.repeat(100000);
{ const length = wide.length; wide = wide.split('').reverse().join(''); wide[0] + length; }

//: optimised code
globalThis.hot_loop ??= (n) => { let sum = 0; for (let i = 0; i < n; ++i) sum = (sum + i * i) | 0; return sum; };
hot_loop(3000000);

//: optimised and deoptimised code
globalThis.add ??= (a, b) => a + b;
{ let sum = 0; for (let i = 0; i < 200000; ++i) sum = add(sum, i); add('a', {}) + add(1n, 2n) + sum; }

//: code deoptimised by a changed prototype
globalThis.Point ??= class { constructor(x) { this.x = x; } norm() { return this.x * this.x; } };
{ const point = new Point(3); let sum = 0; for (let i = 0; i < 200000; ++i) sum += point.norm(); Point.prototype.norm = () => 1; sum + point.norm(); }

//: code that depends on an intact array prototype
globalThis.holey ??= (array) => { let n = 0; for (let i = 0; i < array.length; ++i) n += array[i] === undefined ? 1 : 0; return n; };
{ for (let i = 0; i < 20000; ++i) holey([1, , 3]); Array.prototype[1] = 5; holey([1, , 3]); }

//: code that depends on a constant global
globalThis.constant ??= 5;
globalThis.read_constant ??= () => constant;
{ let sum = 0; for (let i = 0; i < 200000; ++i) sum += read_constant(); constant = 6; sum + read_constant(); }

//: on-stack replacement
globalThis.osr ??= 0;
for (let i = 0; i < 500000; ++i) osr += i % 3;
osr;

//: inline caches made megamorphic
globalThis.read ??= (object) => object.value;
{ let sum = 0; for (let i = 0; i < 1000; ++i) { const object = { ['p' + i]: 1, value: i }; sum += read(object); } sum; }

//: five hundred functions compiled
{ let sum = 0; for (let i = 0; i < 500; ++i) sum += (0, eval)(`(function f${i}(x) { return x * ${i} + ${i}; })`)(2); sum; }

//: a function of a hundred thousand bytes
new Function('let x = 0;' + 'x += 1;'.repeat(15000) + 'return x;')();

//: recursion to the end of the stack
globalThis.depth_of ??= function depth_of(n) { try { return depth_of(n + 1); } catch { return n; } };
depth_of(0) > 1000;

//: an array too long
try { new Array(2 ** 32); } catch (error) { error.name; }

//: a buffer too large
try { new ArrayBuffer(2 ** 53 - 1); } catch (error) { error.name; }

//: a string too long
try { 'x'.repeat(2 ** 30); } catch (error) { error.name; }

//: a number dictionary with a million holes
globalThis.sparse ??= [];
for (let i = 0; i < 1000; ++i) sparse[i * 100003] = i;
Object.keys(sparse).length + (globalThis.sparse_seen = (globalThis.sparse_seen ?? 0) + 1);

//: map and set with tables that grow
globalThis.tables ??= [new Map(), new Set()];
for (let i = 0; i < 20000; ++i) { tables[0].set('k' + (tables[0].size + i), i); tables[1].add({ i }); }
tables[1].size;

//: hash codes of objects
globalThis.hashed ??= Array.from({ length: 10 }, () => ({}));
{ const set = new WeakSet(hashed); hashed.every((object) => set.has(object)) && hashed.push({}); hashed.length; }
