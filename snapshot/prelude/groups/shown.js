// SPDX-License-Identifier: Apache-2.0
// What console shows of objects of interfaces in the place of their properties, as Node.js 20 does. Each group tells it
// of its own.

const getters = new Map(); // prototype → function(object): {isMap, names, values}

const show = (Class, fields) => void getters.set(Class.prototype, fields);

// The attributes of these names.
export function showAttributes(Class, ...names) {
  const read = names.map((name) => $$unbound(Object.getOwnPropertyDescriptor(Class.prototype, name)?.get ?? inheritedGetter(Class, name)));
  show(Class, (object) => ({ isMap: false, names, values: read.map((get) => get(object)) }));
}

function inheritedGetter(Class, name) {
  const parent = Object.getPrototypeOf(Class.prototype);
  return Object.getOwnPropertyDescriptor(parent, name)?.get ?? inheritedGetter(parent.constructor, name);
}

// fields(object): [[name, value] …]; throws for another one, the prototype for instance.
export function showFields(Class, fields) {
  show(Class, (object) => {
    const list = fields(object);
    return { isMap: false, names: list.map(([name]) => name), values: list.map(([, value]) => value) };
  });
}

// The same, as a Map's entries.
export function showEntries(Class, entries) {
  show(Class, (object) => {
    const list = entries(object);
    return { isMap: true, names: list.map(([name]) => name), values: list.map(([, value]) => value) };
  });
}

// undefined: it is shown as any object.
export function shownFields(object) {
  for (let prototype = Object.getPrototypeOf(object); prototype !== null; prototype = Object.getPrototypeOf(prototype)) {
    const fields = getters.get(prototype);
    if (fields === undefined) continue;
    try {
      return fields(object);
    } catch {
      return undefined;
    }
  }
  return undefined;
}
