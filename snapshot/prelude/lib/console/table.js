// SPDX-License-Identifier: Apache-2.0
// console.table: rows and columns in boxes.
'use strict';
import native from 'lethe:native';
import { append, appendAll, enumerableKeys, hasOwn, isArray, joined, list, mapEntries, mapSize, max, nextEntry, nextValue, positionOf, repeat, setSize, setValues } from './builtins.js';
import { inspect } from './inspect.js';
import { widthOf } from './text.js';

const { kindOf, previewEntries, previewsPairs } = native;

function cell(value) {
  const isWide = value !== null && typeof value === 'object' && !isArray(value) && kindOf(value) !== 'TypedArray' && enumerableKeys(value).length > 2;
  return inspect(value, { __proto__: null, depth: isWide ? -1 : 0, maxArrayLength: 3, breakLength: Infinity });
}

// `columns` are lists of texts, under the names of `heads`.
function drawn(heads, columns) {
  const widths = list();
  let rowCount = 0;
  for (let i = 0; i < heads.length; ++i) {
    let width = widthOf(heads[i]);
    for (let row = 0; row < columns[i].length; ++row) width = max(width, widthOf(columns[i][row] ?? ''));
    append(widths, width);
    rowCount = max(rowCount, columns[i].length);
  }
  const rule = (left, middle, right) => {
    let line = left;
    for (let i = 0; i < widths.length; ++i) line += (i > 0 ? middle : '') + repeat('─', widths[i] + 2);
    return line + right;
  };
  const row = (textOf) => {
    let line = '│ ';
    for (let i = 0; i < widths.length; ++i) line += (i > 0 ? ' │ ' : '') + textOf(i) + repeat(' ', widths[i] - widthOf(textOf(i)));
    return `${line} │`;
  };
  const lines = list();
  append(lines, rule('┌', '┬', '┐'));
  append(lines, row((i) => heads[i]));
  append(lines, rule('├', '┼', '┤'));
  for (let at = 0; at < rowCount; ++at) append(lines, row((i) => columns[i][at] ?? ''));
  append(lines, rule('└', '┴', '┘'));
  return joined(lines, '\n');
}

// Of a Map, a Set or an iterator of one: the items, and the keys if it has them.
function itemsOf(data, kind) {
  const items = { __proto__: null, keys: undefined, values: list() };
  if (kind === 'Set') {
    const values = setValues(data);
    for (let i = setSize(data); i > 0; --i) append(items.values, nextValue(values).value);
  } else if (kind === 'Map') {
    items.keys = list();
    const entries = mapEntries(data);
    for (let i = mapSize(data); i > 0; --i) {
      const entry = nextEntry(entries).value;
      append(items.keys, entry[0]);
      append(items.values, entry[1]);
    }
  } else {
    const entries = previewEntries(data);
    const hasPairs = previewsPairs(data);
    if (hasPairs) items.keys = list();
    for (let i = 0; i < entries.length; ++i) append(hasPairs && i % 2 === 0 ? items.keys : items.values, entries[i]);
  }
  return items;
}

function iterationTable({ keys, values }) {
  const heads = list();
  const columns = list();
  const column = (head, count, textAt) => {
    const texts = list();
    for (let i = 0; i < count; ++i) append(texts, textAt(i));
    append(heads, head);
    append(columns, texts);
  };
  column('(iteration index)', values.length, (i) => cell(i));
  if (keys !== undefined) column('Key', keys.length, (i) => cell(keys[i]));
  column('Values', values.length, (i) => cell(values[i]));
  return drawn(heads, columns);
}

// `data` is an object, `wanted` a list of column names or undefined.
export function table(data, wanted) {
  const kind = kindOf(data);
  if (kind === 'Map' || kind === 'Set' || kind === 'Map Iterator' || kind === 'Set Iterator') return iterationTable(itemsOf(data, kind));
  const index = list();
  appendAll(index, enumerableKeys(data));
  const heads = list();
  const columns = list();
  const primitives = list();
  let hasPrimitives = false;
  append(heads, '(index)');
  append(columns, index);
  for (let i = 0; i < index.length; ++i) {
    const item = data[index[i]];
    const isPrimitive = item === null || (typeof item !== 'function' && typeof item !== 'object');
    if (isPrimitive && wanted === undefined) {
      hasPrimitives = true;
      primitives[i] = cell(item);
      continue;
    }
    const keys = wanted ?? enumerableKeys(item);
    for (let k = 0; k < keys.length; ++k) {
      let at = positionOf(heads, keys[k], 1);
      if (at < 0) {
        at = heads.length;
        append(heads, keys[k]);
        append(columns, list());
      }
      columns[at][i] = isPrimitive || !hasOwn(item, keys[k]) ? '' : cell(item[keys[k]]);
    }
  }
  if (hasPrimitives) {
    append(heads, 'Values');
    append(columns, primitives);
  }
  return drawn(heads, columns);
}
