// SPDX-License-Identifier: Apache-2.0
// console: formats its arguments and hands each line's text on. Works on copies of the built-ins that
// were there first, so that a script that changes them still gets its output.
(function (native) {
  'use strict';
  const { console: write } = native;
  const { apply, ownKeys, getOwnPropertyDescriptor, getPrototypeOf } = Reflect;
  const unbound = (method) => (self, ...args) => apply(method, self, args);
  const [toISOString, regExpToString] = [unbound(Date.prototype.toISOString), unbound(RegExp.prototype.toString)];
  const [join, push, includes, slice, map] = ['join', 'push', 'includes', 'slice', 'map'].map((name) => unbound(Array.prototype[name]));
  const [repeat, padEnd, replace, indexOf] = ['repeat', 'padEnd', 'replaceAll', 'indexOf'].map((name) => unbound(String.prototype[name]));
  const [mapForEach, setForEach] = [unbound(Map.prototype.forEach), unbound(Set.prototype.forEach)];
  const { isArray } = Array;
  const { stringify } = JSON;
  const TextOf = String;
  const [AnyError, AnyMap, AnySet, AnyDate, AnyRegExp, AnyPromise] = [Error, Map, Set, Date, RegExp, Promise];
  const { isView } = ArrayBuffer;
  const { isInteger } = Number;
  const [NumberOf, IntegerOf, FloatOf] = [Number, parseInt, parseFloat];

  const mostDepth = 3;
  const mostItems = 100;
  const widestLine = 72;

  const quoted = (text) => `'${replace(replace(replace(text, '\\', '\\\\'), "'", "\\'"), '\n', '\\n')}'`;

  function keyText(key) {
    if (typeof key === 'symbol') return `[${TextOf(key)}]`;
    for (let i = 0; i < key.length; ++i) {
      const c = key[i];
      const isWord = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c === '_' || c === '$' || (i > 0 && c >= '0' && c <= '9');
      if (!isWord) return quoted(key);
    }
    return key === '' ? "''" : key;
  }

  function enclosed(prefix, open, parts, close, indent) {
    const lead = prefix === '' ? '' : `${prefix} `;
    if (parts.length === 0) return `${lead}${open}${close}`;
    const line = join(parts, ', ');
    if (line.length + indent <= widestLine && indexOf(line, '\n') < 0) {
      const space = open === '[' ? '' : ' ';
      return `${lead}${open}${space}${line}${space}${close}`;
    }
    const margin = repeat(' ', indent + 2);
    return `${lead}${open}\n${margin}${join(parts, `,\n${margin}`)}\n${repeat(' ', indent)}${close}`;
  }

  const className = (object) => {
    const prototype = getPrototypeOf(object);
    if (prototype === null) return '[Object: null prototype]';
    const constructor = getOwnPropertyDescriptor(prototype, 'constructor');
    const name = constructor && typeof constructor.value === 'function' ? constructor.value.name : '';
    return typeof name === 'string' && name !== 'Object' ? name : '';
  };

  function items(count, itemAt) {
    const parts = [];
    for (let i = 0; i < count && i < mostItems; ++i) push(parts, itemAt(i));
    if (count > mostItems) push(parts, `… ${count - mostItems} more`);
    return parts;
  }

  function properties(object, seen, indent) {
    const keys = [];
    for (const key of ownKeys(object)) {
      const property = getOwnPropertyDescriptor(object, key);
      if (property && property.enumerable) push(keys, [key, property]);
    }
    return items(keys.length, (i) => {
      const [key, property] = keys[i];
      const text = 'value' in property ? inspect(property.value, seen, indent + 2) : property.get ? '[Getter]' : '[Setter]';
      return `${keyText(key)}: ${text}`;
    });
  }

  function inspectObject(object, seen, indent) {
    if (isArray(object)) return enclosed('', '[', items(object.length, (i) => inspect(object[i], seen, indent + 2)), ']', indent);
    if (object instanceof AnyError) return TextOf(object.stack || object);
    if (object instanceof AnyDate) return isInteger(+object) ? toISOString(object) : 'Invalid Date';
    if (object instanceof AnyRegExp) return regExpToString(object);
    if (object instanceof AnyMap) {
      const parts = [];
      mapForEach(object, (value, key) => push(parts, `${inspect(key, seen, indent + 2)} => ${inspect(value, seen, indent + 2)}`));
      return enclosed(`Map(${parts.length})`, '{', parts, '}', indent);
    }
    if (object instanceof AnySet) {
      const parts = [];
      setForEach(object, (value) => push(parts, inspect(value, seen, indent + 2)));
      return enclosed(`Set(${parts.length})`, '{', parts, '}', indent);
    }
    if (isView(object) && typeof object.length === 'number')
      return enclosed(`${className(object)}(${object.length})`, '[', items(object.length, (i) => TextOf(object[i])), ']', indent);
    if (object instanceof AnyPromise) return 'Promise {}';
    return enclosed(className(object), '{', properties(object, seen, indent), '}', indent);
  }

  function inspect(value, seen, indent) {
    if (typeof value === 'string') return quoted(value);
    if (typeof value === 'bigint') return `${value}n`;
    if (typeof value === 'function') return value.name ? `[Function: ${value.name}]` : '[Function]';
    if (value === 0 && 1 / value < 0) return '-0';
    if (typeof value !== 'object' || value === null) return TextOf(value);
    if (includes(seen, value)) return '[Circular]';
    if (seen.length > mostDepth) return isArray(value) ? '[Array]' : `[${className(value) || 'Object'}]`;
    push(seen, value);
    try {
      return inspectObject(value, seen, indent);
    } catch {
      return '[object that cannot be shown]';
    } finally {
      seen.length -= 1;
    }
  }

  const shown = (value) => (typeof value === 'string' ? value : inspect(value, [], 0));

  function json(value) {
    try {
      return stringify(value);
    } catch {
      return '[Circular]';
    }
  }

  const directives = {
    __proto__: null,
    s: (value) => (typeof value === 'object' ? inspect(value, [], 0) : TextOf(value)),
    d: (value) => (typeof value === 'bigint' ? `${value}n` : TextOf(NumberOf(value))),
    i: (value) => (typeof value === 'bigint' ? `${value}n` : TextOf(IntegerOf(value))),
    f: (value) => TextOf(FloatOf(value)),
    j: json,
    o: (value) => inspect(value, [], 0),
    O: (value) => inspect(value, [], 0),
    c: () => '',
  };

  function format(args) {
    let text = '';
    let used = 0;
    if (typeof args[0] === 'string') {
      const pattern = args[0];
      used = 1;
      for (let i = 0; i < pattern.length; ++i) {
        const letter = pattern[i] === '%' ? pattern[i + 1] : undefined;
        if (letter === '%' && args.length > 1) {
          text += '%';
          ++i;
        } else if (letter !== undefined && directives[letter] && used < args.length) {
          text += directives[letter](args[used++]);
          ++i;
        } else {
          text += pattern[i];
        }
      }
    }
    const rest = map(slice(args, used), shown);
    return used > 0 && rest.length > 0 ? `${text} ${join(rest, ' ')}` : text + join(rest, ' ');
  }

  function table(data) {
    if (typeof data !== 'object' || data === null) return shown(data);
    const columns = ['(index)'];
    const rows = [];
    for (const index of ownKeys(data)) {
      const property = getOwnPropertyDescriptor(data, index);
      if (!property.enumerable) continue;
      const row = { __proto__: null, '(index)': TextOf(index) };
      const value = data[index];
      if (typeof value === 'object' && value !== null) {
        for (const key of ownKeys(value)) {
          if (!getOwnPropertyDescriptor(value, key).enumerable) continue;
          if (!includes(columns, key)) push(columns, key);
          row[key] = inspect(value[key], [], 0);
        }
      } else {
        if (!includes(columns, 'Values')) push(columns, 'Values');
        row.Values = inspect(value, [], 0);
      }
      push(rows, row);
    }
    const cell = (row, column) => (column in row ? row[column] : '');
    const widths = map(columns, (column) => {
      let width = TextOf(column).length;
      for (const row of rows) if (cell(row, column).length > width) width = cell(row, column).length;
      return width;
    });
    const line = (texts) => join(map(texts, (text, i) => padEnd(text, widths[i])), ' | ');
    const lines = [line(map(columns, TextOf)), join(map(widths, (width) => repeat('-', width)), '-+-')];
    for (const row of rows) push(lines, line(map(columns, (column) => cell(row, column))));
    return join(lines, '\n');
  }

  const console = {
    log(...args) { write('log', format(args)); },
    info(...args) { write('info', format(args)); },
    warn(...args) { write('warn', format(args)); },
    error(...args) { write('error', format(args)); },
    debug(...args) { write('debug', format(args)); },
    trace(...args) {
      const place = {};
      AnyError.captureStackTrace(place, console.trace);
      const stack = typeof place.stack === 'string' ? place.stack : '';
      write('trace', `Trace: ${format(args)}${indexOf(stack, '\n') < 0 ? '' : stack.slice(indexOf(stack, '\n'))}`);
    },
    table(data) { write('log', table(data)); },
    assert(condition, ...args) { if (!condition) write('error', args.length > 0 ? `Assertion failed: ${format(args)}` : 'Assertion failed'); },
  };
  Object.defineProperty(globalThis, 'console', { value: console, writable: true, enumerable: false, configurable: true });
})
