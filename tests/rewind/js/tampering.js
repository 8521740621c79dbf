// SPDX-License-Identifier: Apache-2.0
// Writes leaks: for each object that a script can reach from globalThis by names, tampering with it
// in one way, and for each way, tampering with many objects. Returns [[name, source], …].
(function () {
  'use strict';
  // In each, `it` is the object, `holder` where it was found, `key` under which name.
  const ways = {
    'a property is added': 'it.planted = 1',
    'a hidden property is added': 'Object.defineProperty(it, "planted", { value: 1 })',
    'a symbol property is added': 'it[Symbol("planted")] = 1',
    'a registered symbol property is added': 'it[Symbol.for("planted")] = 1',
    'an accessor is added': 'Object.defineProperty(it, "planted", { get: () => "planted", set() {}, configurable: true })',
    'an element is added': 'it[3] = 1',
    'it is frozen': 'Object.freeze(it)',
    'it is sealed': 'Object.seal(it)',
    'it is closed': 'Object.preventExtensions(it)',
    'it gets another prototype': 'Object.setPrototypeOf(it, { planted: 1, __proto__: Object.getPrototypeOf(it) })',
    'it loses its prototype': 'Object.setPrototypeOf(it, null)',
    'its first property is deleted': 'delete it[Reflect.ownKeys(it)[0]]',
    'its last property is deleted': 'delete it[Reflect.ownKeys(it).pop()]',
    'its properties become enumerable': 'for (const name of Reflect.ownKeys(it)) try { Object.defineProperty(it, name, { enumerable: true }); } catch {}',
    'its properties become read-only': 'for (const name of Reflect.ownKeys(it)) try { Object.defineProperty(it, name, { writable: false, configurable: false }); } catch {}',
    'its properties change their order': 'for (const name of Reflect.ownKeys(it)) { const property = Reflect.getOwnPropertyDescriptor(it, name); if (Reflect.deleteProperty(it, name)) { Object.defineProperty(it, name, property); break; } }',
    'it is renamed': 'Object.defineProperty(it, "name", { value: "planted" })',
    'it is replaced by a function': 'holder[key] = function planted() { return "planted"; }',
    'it is replaced by a proxy': 'holder[key] = new Proxy(it, { get: (target, name) => name === "planted" ? 1 : target[name] })',
    'it is wrapped': 'holder[key] = { [key]: function (...args) { (globalThis.planted ??= []).push(args); return it.apply(this, args); } }[key]',
    'it is replaced by an accessor': 'Object.defineProperty(holder, key, { get: () => it, configurable: true })',
    'it is deleted': 'delete holder[key]',
    'its place becomes read-only': 'Object.defineProperty(holder, key, { writable: false })',
    'its place becomes final': 'Object.defineProperty(holder, key, { configurable: false })',
    'its place becomes enumerable': 'Object.defineProperty(holder, key, { enumerable: !Object.getOwnPropertyDescriptor(holder, key).enumerable })',
  };

  const named = (name) => (typeof name === 'symbol' ? `[${name.description}]` : `[${JSON.stringify(name)}]`);
  const isObject = (value) => (typeof value === 'object' && value !== null) || typeof value === 'function';

  // Breadth first: [where it was found, under which name], both as expressions.
  const places = new Map();
  const queue = [[globalThis, 'globalThis']];
  for (const [object, expression] of queue) {
    for (const name of Reflect.ownKeys(object)) {
      const { value, get } = Reflect.getOwnPropertyDescriptor(object, name);
      if (isObject(value) && value !== globalThis && !places.has(value)) {
        places.set(value, [expression, typeof name === 'symbol' ? name.description : JSON.stringify(name)]);
        queue.push([value, expression + named(name)]);
      } else if (isObject(get) && !places.has(get)) {
        const getter = `Object.getOwnPropertyDescriptor(${expression}, ${typeof name === 'symbol' ? name.description : JSON.stringify(name)})`;
        places.set(get, [getter, '"get"']);
      }
    }
  }

  const names = Object.keys(ways);
  let turn = 0;
  return [...places.values()].map(([holder, key]) => {
    const way = names[turn++ % names.length];
    return [`${holder}[${key}]: ${way}`, `{ const holder = ${holder}, key = ${key}, it = holder[key]; try { ${ways[way]}; 'done'; } catch (error) { String(error); } }`];
  });
})()
