// SPDX-License-Identifier: Apache-2.0
// console, as the Console Standard has it, with texts as Node.js formats them. Each output is handed on
// with its level; where it goes is the worker's matter.
import native from 'lethe:native';
import {
  AnyMap, apply, captureStackTrace, defineProperty, enumerableKeys, floor, indented, indexOf, isArray, mapDelete, mapGet, mapSet, padStart,
  repeat, slice, toFixed, toStringTag,
} from '../lib/console/builtins.js';
import { format } from '../lib/console/format.js';
import { inspect } from '../lib/console/inspect.js';
import { table } from '../lib/console/table.js';

const { writeConsole, monotonicMs } = native;

const indentWidth = 2;
const mostIndent = 100; // columns
let groups = 0;
const counts = new AnyMap();
const timers = new AnyMap();

function write(level, text) {
  const margin = groups * indentWidth;
  const indent = repeat(' ', margin < mostIndent ? margin : mostIndent);
  writeConsole(level, indent + indented(text, indent));
}

const two = (number) => padStart(`${number}`, 2, '0');

// 12.3ms, 1.234s, 1:02.345 (m:ss.mmm), 1:02:03.456 (h:mm:ss.mmm)
function shownTime(ms) {
  if (ms < 1000) return `${+toFixed(ms, 3)}ms`;
  if (ms < 60_000) return `${toFixed(ms / 1000, 3)}s`;
  const hours = floor(ms / 3_600_000);
  const minutes = floor((ms % 3_600_000) / 60_000);
  const seconds = padStart(toFixed((ms % 60_000) / 1000, 3), 6, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${seconds} (h:mm:ss.mmm)` : `${minutes}:${seconds} (m:ss.mmm)`;
}

function timeLog(level, label, method, data) {
  const start = mapGet(timers, label);
  if (start === undefined) {
    write('warn', `Warning: No such label '${label}' for console.${method}()`);
    return;
  }
  const text = `${label}: ${shownTime(monotonicMs() - start)}`;
  write(level, data.length > 0 ? `${text} ${format(data)}` : text);
}

function withoutFirstLine(stack) {
  const end = typeof stack === 'string' ? indexOf(stack, '\n') : -1;
  return end < 0 ? '' : slice(stack, end);
}

const methods = {
  debug(...data) { write('debug', format(data)); },
  error(...data) { write('error', format(data)); },
  info(...data) { write('info', format(data)); },
  log(...data) { write('log', format(data)); },
  warn(...data) { write('warn', format(data)); },
  dir(item = undefined, options = undefined) {
    const wanted = { __proto__: null, customInspect: false };
    if (typeof options === 'object' && options !== null) {
      const names = enumerableKeys(options);
      for (let i = 0; i < names.length; ++i) wanted[names[i]] = options[names[i]];
    }
    write('log', inspect(item, wanted));
  },
  dirxml(...data) { write('log', format(data)); },
  table(data = undefined, properties = undefined) {
    if (properties !== undefined && !isArray(properties)) throw new TypeError('console.table: the second argument is a list of column names');
    write('log', data === null || typeof data !== 'object' ? format([data]) : table(data, properties));
  },
  trace(...data) {
    const holder = { __proto__: null };
    captureStackTrace(holder, methods.trace);
    const text = format(data);
    write('trace', `Trace${text === '' ? '' : `: ${text}`}${withoutFirstLine(holder.stack)}`);
  },
  assert(condition = false, ...data) {
    if (condition) return;
    if (data.length > 0 && typeof data[0] === 'string') data[0] = `Assertion failed: ${data[0]}`;
    const text = format(data);
    write('error', data.length === 0 ? 'Assertion failed' : typeof data[0] === 'string' ? text : `Assertion failed ${text}`);
  },
  count(label = 'default') {
    label = `${label}`;
    const count = (mapGet(counts, label) ?? 0) + 1;
    mapSet(counts, label, count);
    write('info', `${label}: ${count}`);
  },
  countReset(label = 'default') {
    label = `${label}`;
    if (!mapDelete(counts, label)) write('warn', `Warning: Count for '${label}' does not exist`);
  },
  group(...data) {
    if (data.length > 0) write('log', format(data));
    ++groups;
  },
  groupCollapsed(...data) { apply(methods.group, undefined, data); },
  groupEnd() { if (groups > 0) --groups; },
  time(label = 'default') {
    label = `${label}`;
    if (mapGet(timers, label) !== undefined) write('warn', `Warning: Label '${label}' already exists for console.time()`);
    else mapSet(timers, label, monotonicMs());
  },
  timeLog(label = 'default', ...data) { timeLog('log', `${label}`, 'timeLog', data); },
  timeEnd(label = 'default') {
    label = `${label}`;
    timeLog('info', label, 'timeEnd', []);
    mapDelete(timers, label);
  },
  clear() {},
};

// As methods, whatever a script has done to those of `console`; and what Node's util is made of.
export { methods as ownMethods, format, inspect };

export const console = { __proto__: {} };
const names = enumerableKeys(methods);
for (let i = 0; i < names.length; ++i) defineProperty(console, names[i], { __proto__: null, value: methods[names[i]], writable: true, enumerable: true, configurable: true });
defineProperty(console, toStringTag, { __proto__: null, value: 'console', configurable: true });
