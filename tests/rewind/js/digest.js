// SPDX-License-Identifier: Apache-2.0
// Everything that a script can reach from globalThis, as text: one line for each object (its path,
// class, state and prototype) and for each of its properties (attributes and value). Two worlds in
// which this gives the same text look the same to a script. Functions are shown with their source,
// accessors with what they return for their holder, collections, dates, regular expressions and
// buffers with their content.
(function () {
  'use strict';
  const paths = new Map([[globalThis, 'globalThis']]); // breadth first, while it grows
  const lines = [];

  function shown(value, path) {
    switch (typeof value) {
      case 'object':
      case 'function':
        if (value === null) return 'null';
        if (!paths.has(value)) paths.set(value, path);
        return '-> ' + paths.get(value);
      case 'string':
        return JSON.stringify(value);
      case 'symbol':
        return `${value.toString()} ${Symbol.keyFor(value) ?? 'not registered'}`;
      default:
        return Object.is(value, -0) ? '-0' : `${typeof value} ${value}`;
    }
  }

  const bufferOf = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Int8Array.prototype), 'buffer').get;
  const bytesOf = (buffer) => `${buffer.byteLength} bytes: ${new Uint8Array(buffer).subarray(0, 256).join()}`;
  const itemsOf = (items, path) => [...items].map((item, i) => shown(item, `${path}.item(${i})`)).join();
  // Content that is no property, by the object's tag. Each throws for what only looks like it, as prototypes do.
  const slots = {
    __proto__: null,
    '[object Map]': (object, path) => itemsOf(Map.prototype.keys.call(object), `${path}.keys()`) + itemsOf(Map.prototype.values.call(object), path),
    '[object Set]': (object, path) => itemsOf(Set.prototype.values.call(object), path),
    '[object Date]': (object) => Date.prototype.getTime.call(object),
    '[object ArrayBuffer]': bytesOf,
    '[object SharedArrayBuffer]': bytesOf,
    '[object RegExp]': (object) => RegExp.prototype.toString.call(object),
    '[object Number]': (object) => Number.prototype.valueOf.call(object),
    '[object String]': (object) => String.prototype.valueOf.call(object),
    '[object Boolean]': (object) => Boolean.prototype.valueOf.call(object),
    '[object Symbol]': (object) => Symbol.prototype.toString.call(object),
    '[object BigInt]': (object) => BigInt.prototype.valueOf.call(object),
    '[object WeakRef]': (object, path) => shown(WeakRef.prototype.deref.call(object), `${path}.deref()`),
  };

  function inside(object, path) {
    if (typeof object === 'function') return Function.prototype.toString.call(object);
    const tag = Object.prototype.toString.call(object);
    try {
      if (ArrayBuffer.isView(object)) return `${tag} ${shown(bufferOf.call(object), `${path}.buffer`)}`;
      return slots[tag] ? `${tag} ${slots[tag](object, path)}` : tag;
    } catch {
      return tag;
    }
  }

  // What an accessor returns, of which the legacy RegExp.$1 … are the ones that remember. The array
  // that stands behind `caller` and `arguments` only throws.
  function gotten(object, getter, path) {
    if (getter === undefined) return 'none';
    try {
      const value = Reflect.apply(getter, object, []);
      // As `closed` of a stream's prototype is: an unhandled rejection would be the digest's failure.
      if (value instanceof Promise) Promise.prototype.then.call(value, undefined, () => {});
      return shown(value, `${path}()`);
    } catch (error) {
      return `throws ${error}`;
    }
  }

  for (const [object, path] of paths) {
    lines.push(`${path}: ${inside(object, path)} ${Object.isExtensible(object) ? '' : 'not extensible '}prototype ${shown(Object.getPrototypeOf(object), `${path}.[[Prototype]]`)}`);
    for (const key of Reflect.ownKeys(object)) {
      const place = typeof key === 'symbol' ? `${path}[${key.toString()}]` : `${path}.${key}`;
      const property = Reflect.getOwnPropertyDescriptor(object, key);
      const attributes = `${property.enumerable ? 'e' : '-'}${property.configurable ? 'c' : '-'}${property.writable ? 'w' : '-'}`;
      if ('value' in property) {
        lines.push(`${place} ${attributes} ${shown(property.value, place)}`);
      } else {
        lines.push(`${place} ${attributes} get ${shown(property.get, `${place}.get`)} set ${shown(property.set, `${place}.set`)} is ${gotten(object, property.get, place)}`);
      }
    }
  }

  // State that is no property: how errors show their stack, what Intl and Date have as defaults.
  lines.push('stack ' + shown(new Error('probe').stack));
  lines.push('Intl ' + JSON.stringify(new Intl.DateTimeFormat().resolvedOptions()) + new Intl.NumberFormat().format(1234567.891));
  lines.push('Date ' + new Date(86400000).toString() + new Date(0).getTimezoneOffset());
  return lines.join('\n');
})()
