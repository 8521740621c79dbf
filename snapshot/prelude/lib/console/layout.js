// SPDX-License-Identifier: Apache-2.0
// How entries become one line, several columns, or a line each: as Node.js does it.
'use strict';
import { append, floor, includes, joined, list, max, min, padEnd, padStart, repeat, round, sqrt } from './builtins.js';
import { widthOf } from './text.js';

const separatorWidth = 2; // ", "
const mostColumns = 15;
const heightToWidth = 2.5; // of a character

// How many columns fit best, aiming at a square. 1: columns are not worth it.
function columnCount(count, shownCount, widest, totalWidth, view) {
  const widestCell = widest + separatorWidth;
  // Three must fit beside each other, and one entry that is much wider than all others would leave holes.
  if (widestCell * 3 + view.indentation >= view.breakLength || !(totalWidth / widestCell > 5 || widest <= 6)) return 1;
  const biased = max(widestCell - 3 - sqrt(widestCell - totalWidth / count), 1);
  return min(round(sqrt(heightToWidth * biased * shownCount) / biased), floor((view.breakLength - view.indentation) / widestCell), view.compact * 4, mostColumns);
}

// The entries of an array, several in a line and below each other. `value` tells whether they are numbers, which go to the right.
function inColumns(view, entries, value) {
  const hasTrailer = view.maxArrayLength < entries.length; // "... 5 more items"
  const shownCount = hasTrailer ? entries.length - 1 : entries.length;
  const widths = list();
  let totalWidth = 0;
  let widest = 0;
  for (let i = 0; i < shownCount; ++i) {
    append(widths, widthOf(entries[i]));
    totalWidth += widths[i] + separatorWidth;
    widest = max(widest, widths[i]);
  }
  const columns = columnCount(entries.length, shownCount, widest, totalWidth, view);
  if (columns <= 1) return entries;
  const columnWidths = list();
  for (let column = 0; column < columns; ++column) {
    let width = 0;
    for (let i = column; i < shownCount; i += columns) width = max(width, widths[i]);
    append(columnWidths, width + separatorWidth);
  }
  let pad = padStart;
  if (value !== undefined)
    for (let i = 0; i < entries.length; ++i)
      if (typeof value[i] !== 'number' && typeof value[i] !== 'bigint') {
        pad = padEnd;
        break;
      }
  const lines = list();
  for (let first = 0; first < shownCount; first += columns) {
    const last = min(first + columns, shownCount) - 1;
    let line = '';
    for (let i = first; i < last; ++i) line += pad(`${entries[i]}, `, columnWidths[i - first] + entries[i].length - widths[i], ' ');
    line += pad === padStart ? padStart(entries[last], columnWidths[last - first] + entries[last].length - widths[last] - separatorWidth, ' ') : entries[last];
    append(lines, line);
  }
  if (hasTrailer) append(lines, entries[shownCount]);
  return lines;
}

function fitsIntoLine(view, entries, start, base) {
  let length = entries.length + start;
  if (length + entries.length > view.breakLength) return false;
  for (let i = 0; i < entries.length; ++i) if ((length += entries[i].length) > view.breakLength) return false;
  return base === '' || !includes(base, '\n');
}

// `base` goes before the opening brace; `isList`: entries without keys. `depth` is where it stands.
export function enclosed(view, entries, base, open, close, isList, depth, value) {
  const lead = base === '' ? '' : `${base} `;
  const margin = repeat(' ', view.indentation);
  if (view.compact === true) {
    if (fitsIntoLine(view, entries, 0, base)) return `${open}${base === '' ? '' : ` ${base}`} ${joined(entries, ', ')} ${close}`;
    const first = base === '' && open.length === 1 ? ' ' : `${base === '' ? '' : ` ${base}`}\n${margin}  `;
    return `${open}${first}${joined(entries, `,\n${margin}  `)} ${close}`;
  }
  if (typeof view.compact === 'number' && view.compact >= 1) {
    const before = entries.length;
    if (isList && before > 6) entries = inColumns(view, entries, value);
    // The innermost levels go into one line each.
    if (view.deepest - depth < view.compact && before === entries.length) {
      const start = entries.length + view.indentation + open.length + base.length + 10;
      if (fitsIntoLine(view, entries, start, base)) {
        const line = joined(entries, ', ');
        if (!includes(line, '\n')) return `${lead}${open} ${line} ${close}`;
      }
    }
  }
  return `${lead}${open}\n${margin}  ${joined(entries, `,\n${margin}  `)}\n${margin}${close}`;
}
