// SPDX-License-Identifier: Apache-2.0
// performance: https://w3c.github.io/hr-time/, https://w3c.github.io/performance-timeline/ and
// https://w3c.github.io/user-timing/. Time begins with the request.
import { DOMException } from 'lethe:dom_exception';
import { EventTarget } from 'lethe:events';
import native from 'lethe:native';
import { showAttributes } from 'lethe:shown';
import { asInterface, isObject, requireArguments, toDictionary, toDOMString, toDouble } from '../lib/webidl.js';

const ours = Symbol('ours');
const { monotonicNow } = native;
let entries = [];

const clone = (value) => (value === undefined || value === null ? null : require('lethe:clone').structuredClone(value));

export class PerformanceEntry {
  #name;
  #entryType;
  #startTime;
  #duration;
  constructor(key, name, entryType, startTime, duration) {
    if (key !== ours) throw new TypeError('Illegal constructor');
    this.#name = name;
    this.#entryType = entryType;
    this.#startTime = startTime;
    this.#duration = duration;
  }
  get name() {
    return this.#name;
  }
  get entryType() {
    return this.#entryType;
  }
  get startTime() {
    return this.#startTime;
  }
  get duration() {
    return this.#duration;
  }
  toJSON() {
    this.#name;
    const { name, entryType, startTime, duration } = this;
    const json = { name, entryType, startTime, duration };
    if ('detail' in this) json.detail = this.detail;
    return json;
  }
}
asInterface(PerformanceEntry, 'PerformanceEntry');
showAttributes(PerformanceEntry, 'name', 'entryType', 'startTime', 'duration');
Object.defineProperty(PerformanceEntry, 'length', { value: 0 });

export class PerformanceMark extends PerformanceEntry {
  #detail;
  constructor(markName, markOptions = {}) {
    requireArguments(arguments.length, 1, 'PerformanceMark');
    const name = toDOMString(markName);
    const { detail, startTime } = toDictionary(markOptions, 'PerformanceMark: the options');
    const time = startTime === undefined ? monotonicNow() : toDouble(startTime, 'PerformanceMark: the start time');
    if (time < 0) throw new TypeError('PerformanceMark: the start time is negative');
    super(ours, name, 'mark', time, 0);
    this.#detail = clone(detail);
  }
  get detail() {
    return this.#detail;
  }
}
asInterface(PerformanceMark, 'PerformanceMark');
showAttributes(PerformanceMark, 'name', 'entryType', 'startTime', 'duration', 'detail');

export class PerformanceMeasure extends PerformanceEntry {
  #detail;
  constructor(key, name, startTime, duration, detail) {
    super(key, name, 'measure', startTime, duration);
    this.#detail = detail;
  }
  get detail() {
    return this.#detail;
  }
}
asInterface(PerformanceMeasure, 'PerformanceMeasure');
showAttributes(PerformanceMeasure, 'name', 'entryType', 'startTime', 'duration', 'detail');
Object.defineProperty(PerformanceMeasure, 'length', { value: 0 });

// A number, or the name of a mark: https://w3c.github.io/user-timing/#convert-a-mark-to-a-timestamp
function toTimestamp(mark) {
  if (typeof mark === 'number') {
    toDouble(mark, 'performance.measure: a time');
    if (mark < 0) throw new TypeError('performance.measure: a time is negative');
    return mark;
  }
  const name = toDOMString(mark);
  for (let i = entries.length - 1; i >= 0; --i) if (entries[i].entryType === 'mark' && entries[i].name === name) return entries[i].startTime;
  throw new DOMException(`performance.measure: there is no mark "${name}"`, 'SyntaxError');
}

const inOrder = (list) => [...list].sort((a, b) => a.startTime - b.startTime);

// The same for the whole of a request: the two clocks drift.
let origin = {};
function timeOrigin() {
  const began = native.requestBegan();
  if (origin.began !== began) origin = { began, time: native.timeOrigin() };
  return origin.time;
}

export class Performance extends EventTarget {
  #isPerformance = true;
  constructor() {
    if (arguments[0] !== ours) throw new TypeError('Illegal constructor');
    super();
  }
  get timeOrigin() {
    this.#isPerformance;
    return timeOrigin();
  }
  now() {
    this.#isPerformance;
    return monotonicNow();
  }
  toJSON() {
    this.#isPerformance;
    return { timeOrigin: this.timeOrigin };
  }
  mark(markName, markOptions = {}) {
    this.#isPerformance;
    requireArguments(arguments.length, 1, 'performance.mark');
    const entry = new PerformanceMark(markName, markOptions);
    add(entry);
    return entry;
  }
  measure(measureName, startOrMeasureOptions = {}, endMark = undefined) {
    this.#isPerformance;
    requireArguments(arguments.length, 1, 'performance.measure');
    const name = toDOMString(measureName);
    const isDictionary = isObject(startOrMeasureOptions) || startOrMeasureOptions === null;
    const { detail, duration, end, start } = isDictionary ? toDictionary(startOrMeasureOptions) : { start: toDOMString(startOrMeasureOptions) };
    if (isDictionary && [detail, duration, end, start].some((member) => member !== undefined)) {
      if (endMark !== undefined) throw new TypeError('performance.measure: an end mark beside the options');
      if (start === undefined && end === undefined) throw new TypeError('performance.measure: neither start nor end is given');
      if (start !== undefined && end !== undefined && duration !== undefined) throw new TypeError('performance.measure: start, end and duration are given');
    }
    const length = duration === undefined ? undefined : toDouble(duration, 'performance.measure: the duration');
    let endTime;
    if (endMark !== undefined) endTime = toTimestamp(toDOMString(endMark));
    else if (end !== undefined) endTime = toTimestamp(end);
    else if (start !== undefined && length !== undefined) endTime = toTimestamp(start) + length;
    else endTime = monotonicNow();
    let startTime = 0;
    if (start !== undefined) startTime = toTimestamp(start);
    else if (length !== undefined && end !== undefined) startTime = toTimestamp(end) - length;
    const entry = new PerformanceMeasure(ours, name, startTime, endTime - startTime, clone(detail));
    add(entry);
    return entry;
  }
  clearMarks(markName = undefined) {
    this.#isPerformance;
    clear('mark', markName);
  }
  clearMeasures(measureName = undefined) {
    this.#isPerformance;
    clear('measure', measureName);
  }
  getEntries() {
    this.#isPerformance;
    return inOrder(entries);
  }
  getEntriesByType(type) {
    this.#isPerformance;
    requireArguments(arguments.length, 1, 'performance.getEntriesByType');
    const wanted = toDOMString(type);
    return inOrder(entries.filter((entry) => entry.entryType === wanted));
  }
  getEntriesByName(name, type = undefined) {
    this.#isPerformance;
    requireArguments(arguments.length, 1, 'performance.getEntriesByName');
    return byName(entries, name, type);
  }
}
asInterface(Performance, 'Performance');
showAttributes(Performance, 'timeOrigin');

function byName(list, name, type) {
  const [wantedName, wantedType] = [toDOMString(name), type === undefined ? undefined : toDOMString(type)];
  return inOrder(list.filter((entry) => entry.name === wantedName && (wantedType === undefined || entry.entryType === wantedType)));
}

function clear(type, name) {
  const unwanted = name === undefined ? undefined : toDOMString(name);
  entries = entries.filter((entry) => entry.entryType !== type || (unwanted !== undefined && entry.name !== unwanted));
}

function add(entry) {
  entries.push(entry);
  for (const observer of observers) offer(observer, entry);
}

export const performance = new Performance(ours);

// --- observers ---------------------------------------------------------------------------------------------

const supportedTypes = Object.freeze(['mark', 'measure']);
const observers = new Set();
let offer;

export class PerformanceObserverEntryList {
  #entries;
  constructor(key, list) {
    if (key !== ours) throw new TypeError('Illegal constructor');
    this.#entries = list;
  }
  getEntries() {
    return inOrder(this.#entries);
  }
  getEntriesByType(type) {
    requireArguments(arguments.length, 1, 'getEntriesByType');
    const wanted = toDOMString(type);
    return inOrder(this.#entries.filter((entry) => entry.entryType === wanted));
  }
  getEntriesByName(name, type = undefined) {
    requireArguments(arguments.length, 1, 'getEntriesByName');
    return byName(this.#entries, name, type);
  }
}
asInterface(PerformanceObserverEntryList, 'PerformanceObserverEntryList');
Object.defineProperty(PerformanceObserverEntryList, 'length', { value: 0 });

export class PerformanceObserver {
  #callback;
  #types = new Set();
  #way = null; // 'entryTypes' or 'type': an observer keeps to one
  #buffer = [];
  #isScheduled = false;

  constructor(callback) {
    requireArguments(arguments.length, 1, 'PerformanceObserver');
    if (typeof callback !== 'function') throw new TypeError('PerformanceObserver: the argument is not a function');
    this.#callback = callback;
  }
  static get supportedEntryTypes() {
    return supportedTypes;
  }
  observe(options = {}) {
    const { buffered, entryTypes, type } = toDictionary(options);
    if (entryTypes !== undefined && !isObject(entryTypes)) throw new TypeError('PerformanceObserver.observe: entryTypes is not a sequence');
    if (entryTypes === undefined && type === undefined) throw new TypeError('PerformanceObserver.observe: neither entryTypes nor type is given');
    if (entryTypes !== undefined && (type !== undefined || buffered !== undefined)) throw new TypeError('PerformanceObserver.observe: entryTypes beside type or buffered');
    const way = entryTypes === undefined ? 'type' : 'entryTypes';
    if (this.#way !== null && this.#way !== way) throw new DOMException('PerformanceObserver.observe: called with type and with entryTypes', 'InvalidModificationError');
    this.#way = way;
    const types = (entryTypes === undefined ? [toDOMString(type)] : [...entryTypes].map((one) => toDOMString(one))).filter((one) => supportedTypes.includes(one));
    if (types.length === 0) return;
    if (way === 'entryTypes') this.#types = new Set(types);
    else this.#types.add(types[0]);
    observers.add(this);
    if (buffered) for (const entry of entries) if (entry.entryType === types[0]) offer(this, entry);
  }
  disconnect() {
    this.#types.clear();
    this.#way = null;
    this.#buffer = [];
    observers.delete(this);
  }
  takeRecords() {
    return this.#buffer.splice(0);
  }

  #schedule() {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    native.setTimer(() => {
      this.#isScheduled = false;
      const list = this.#buffer.splice(0);
      if (list.length > 0) Reflect.apply(this.#callback, this, [new PerformanceObserverEntryList(ours, list), this, { droppedEntriesCount: 0 }]);
    }, [], 0, false);
  }
  static {
    offer = (observer, entry) => {
      if (!observer.#types.has(entry.entryType)) return;
      observer.#buffer.push(entry);
      observer.#schedule();
    };
  }
}
asInterface(PerformanceObserver, 'PerformanceObserver');
