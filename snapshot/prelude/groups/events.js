// SPDX-License-Identifier: Apache-2.0
// Events: https://dom.spec.whatwg.org/#events, without trees, so that an event has one target at most.
import { DOMException } from 'lethe:dom_exception';
import native from 'lethe:native';
import { showAttributes } from 'lethe:shown';
import { asInterface, defineConstants, isObject, requireArguments, toDictionary, toDOMString, toUSVString } from '../lib/webidl.js';

// Of AbortSignal, whose group needs this one: {is(value), whenAborted(signal, action), isAborted(signal)}.
let signals;
export function setAbortSignals(functions) {
  signals = functions;
}

const NONE = 0;
const AT_TARGET = 2;
const now = () => native.monotonicNow();

let begin, cancel, end, isBusy, isEvent, typeOf, isStopped, isTrusted, setTrusted, setPassive;
const isTrustedGetter = Object.getOwnPropertyDescriptor({
  get isTrusted() {
    return isTrusted(this);
  },
}, 'isTrusted').get;

export class Event {
  #type;
  #bubbles = false;
  #cancelable = false;
  #composed = false;
  #target = null;
  #currentTarget = null;
  #phase = NONE;
  #stopped = false;
  #stoppedNow = false;
  #canceled = false;
  #passive = false;
  #dispatching = false;
  #initialized = true; // there is no createEvent, which makes others
  #trusted = false;
  #timeStamp = now();

  constructor(type, eventInitDict = {}) {
    requireArguments(arguments.length, 1, 'Event');
    this.#type = toDOMString(type, 'Event: the type');
    const { bubbles, cancelable, composed } = toDictionary(eventInitDict, 'Event: the second argument');
    this.#bubbles = !!bubbles;
    this.#cancelable = !!cancelable;
    this.#composed = !!composed;
    // [LegacyUnforgeable]: an own property of each event.
    Object.defineProperty(this, 'isTrusted', { get: isTrustedGetter, set: undefined, enumerable: true, configurable: false });
  }

  get type() {
    return this.#type;
  }
  get target() {
    return this.#target;
  }
  get srcElement() {
    return this.#target;
  }
  get currentTarget() {
    return this.#currentTarget;
  }
  composedPath() {
    return this.#currentTarget === null ? [] : [this.#currentTarget];
  }
  get eventPhase() {
    return this.#phase;
  }
  stopPropagation() {
    this.#stopped = true;
  }
  get cancelBubble() {
    return this.#stopped;
  }
  set cancelBubble(value) {
    this.#stopped = this.#stopped || !!value;
  }
  stopImmediatePropagation() {
    this.#stopped = true;
    this.#stoppedNow = true;
  }
  get bubbles() {
    return this.#bubbles;
  }
  get cancelable() {
    return this.#cancelable;
  }
  get returnValue() {
    return !this.#canceled;
  }
  set returnValue(value) {
    if (this.#cancelable && !value) this.#cancel();
  }
  preventDefault() {
    this.#cancel();
  }
  get defaultPrevented() {
    return this.#canceled;
  }
  get composed() {
    return this.#composed;
  }
  get timeStamp() {
    return this.#timeStamp;
  }
  initEvent(type, bubbles = false, cancelable = false) {
    requireArguments(arguments.length, 1, 'Event.initEvent');
    type = toDOMString(type, 'Event.initEvent: the type');
    if (this.#dispatching) return;
    this.#initialized = true;
    this.#stopped = this.#stoppedNow = this.#canceled = this.#trusted = false;
    this.#target = null;
    this.#type = type;
    this.#bubbles = !!bubbles;
    this.#cancelable = !!cancelable;
  }

  #cancel() {
    if (this.#cancelable && !this.#passive) this.#canceled = true;
  }

  static {
    typeOf = (event) => event.#type;
    cancel = (event) => event.#cancel();
    isEvent = (value) => isObject(value) && #type in value;
    isTrusted = (event) => event.#trusted;
    isBusy = (event) => event.#dispatching || !event.#initialized;
    isStopped = (event) => event.#stoppedNow;
    setTrusted = (event, trusted) => {
      event.#trusted = trusted;
    };
    setPassive = (event, passive) => {
      event.#passive = passive;
    };
    begin = (event, target) => {
      event.#dispatching = true;
      event.#target = event.#currentTarget = target;
      event.#phase = AT_TARGET;
      return !event.#stopped;
    };
    end = (event) => {
      event.#phase = NONE;
      event.#currentTarget = null;
      event.#dispatching = event.#stopped = event.#stoppedNow = false;
      return !event.#canceled;
    };
  }
}
asInterface(Event, 'Event');
showAttributes(Event, 'type', 'defaultPrevented', 'cancelable', 'timeStamp');
defineConstants(Event, { NONE: 0, CAPTURING_PHASE: 1, AT_TARGET: 2, BUBBLING_PHASE: 3 });

export class CustomEvent extends Event {
  #detail;
  constructor(type, eventInitDict = {}) {
    requireArguments(arguments.length, 1, 'CustomEvent');
    super(type, eventInitDict);
    const { detail } = toDictionary(eventInitDict);
    this.#detail = detail === undefined ? null : detail;
  }
  get detail() {
    return this.#detail;
  }
  initCustomEvent(type, bubbles = false, cancelable = false, detail = null) {
    requireArguments(arguments.length, 1, 'CustomEvent.initCustomEvent');
    if (#detail in this && isBusy(this)) return;
    this.#detail = detail;
    this.initEvent(type, bubbles, cancelable);
  }
}
asInterface(CustomEvent, 'CustomEvent');

export class ErrorEvent extends Event {
  #message;
  #filename;
  #lineno;
  #colno;
  #error;
  constructor(type, eventInitDict = {}) {
    requireArguments(arguments.length, 1, 'ErrorEvent');
    super(type, eventInitDict);
    const { colno = 0, error, filename = '', lineno = 0, message = '' } = toDictionary(eventInitDict);
    this.#colno = colno >>> 0;
    this.#error = error;
    this.#filename = toUSVString(filename);
    this.#lineno = lineno >>> 0;
    this.#message = toDOMString(message);
  }
  get message() {
    return this.#message;
  }
  get filename() {
    return this.#filename;
  }
  get lineno() {
    return this.#lineno;
  }
  get colno() {
    return this.#colno;
  }
  get error() {
    return this.#error;
  }
}
asInterface(ErrorEvent, 'ErrorEvent');

export class PromiseRejectionEvent extends Event {
  #promise;
  #reason;
  constructor(type, eventInitDict) {
    requireArguments(arguments.length, 2, 'PromiseRejectionEvent');
    super(type, eventInitDict);
    const { promise, reason } = toDictionary(eventInitDict);
    if (promise === undefined) throw new TypeError('PromiseRejectionEvent: the member promise is required');
    this.#promise = promise instanceof Promise ? promise : Promise.resolve(promise);
    this.#reason = reason;
  }
  get promise() {
    return this.#promise;
  }
  get reason() {
    return this.#reason;
  }
}
asInterface(PromiseRejectionEvent, 'PromiseRejectionEvent');

// --- targets -----------------------------------------------------------------------------------------------

function report(exception, place = native.placeOf(exception)) {
  require('lethe:scope').report(exception, place);
}

function toCallback(value, where) {
  if (value === undefined || value === null) return null;
  if (!isObject(value)) throw new TypeError(`${where}: the listener is not an object`);
  return value;
}

const captureOf = (options) => (isObject(options) ? !!options.capture : !!options);

function invoke(listener, event, target) {
  const { callback } = listener;
  try {
    if (typeof callback === 'function') {
      Reflect.apply(callback, target, [event]);
      return;
    }
    const { handleEvent } = callback;
    if (typeof handleEvent !== 'function') throw new TypeError('The listener\'s handleEvent is not a function');
    Reflect.apply(handleEvent, callback, [event]);
  } catch (exception) {
    report(exception);
  }
}

let dispatch, isTarget, setHandler, handlerOf, hasListener;
let globalTarget; // in the place of the global object

export class EventTarget {
  // {type, callback, capture, once, passive, removed, handler}; `handler`: the attribute on… that it stands for
  #listeners = [];

  addEventListener(type, callback, options = {}) {
    requireArguments(arguments.length, 2, 'EventTarget.addEventListener');
    const target = toTarget(this);
    type = toDOMString(type, 'EventTarget.addEventListener: the type');
    callback = toCallback(callback, 'EventTarget.addEventListener');
    const capture = captureOf(options);
    let [once, passive, signal] = [false, false, undefined];
    if (isObject(options)) {
      once = !!options.once;
      passive = !!options.passive;
      ({ signal } = options);
      if (signal !== undefined && !signals?.is(signal)) throw new TypeError('EventTarget.addEventListener: the signal is not an AbortSignal');
    }
    if (callback === null || (signal && signals.isAborted(signal))) return;
    for (const listener of target.#listeners)
      if (listener.type === type && listener.callback === callback && listener.capture === capture) return;
    const listener = { type, callback, capture, once, passive, removed: false };
    target.#listeners.push(listener);
    if (signal) signals.whenAborted(signal, () => target.#remove(listener));
  }

  removeEventListener(type, callback, options = {}) {
    requireArguments(arguments.length, 2, 'EventTarget.removeEventListener');
    const target = toTarget(this);
    type = toDOMString(type, 'EventTarget.removeEventListener: the type');
    callback = toCallback(callback, 'EventTarget.removeEventListener');
    const capture = captureOf(options);
    for (const listener of target.#listeners)
      if (listener.type === type && listener.callback === callback && listener.capture === capture) return void target.#remove(listener);
  }

  dispatchEvent(event) {
    requireArguments(arguments.length, 1, 'EventTarget.dispatchEvent');
    const target = toTarget(this);
    if (!isEvent(event)) throw new TypeError('EventTarget.dispatchEvent: the argument is not an Event');
    if (isBusy(event)) throw new DOMException('The event is already being dispatched', 'InvalidStateError');
    setTrusted(event, false);
    return target.#dispatch(event);
  }

  #remove(listener) {
    listener.removed = true;
    this.#listeners = this.#listeners.filter((other) => other !== listener);
  }

  #dispatch(event) {
    const target = this === globalTarget ? globalThis : this;
    const type = typeOf(event);
    if (begin(event, target)) {
      for (const capture of [true, false]) {
        for (const listener of [...this.#listeners]) {
          if (listener.removed || listener.type !== type || listener.capture !== capture) continue;
          if (listener.once) this.#remove(listener);
          setPassive(event, listener.passive);
          invoke(listener, event, target);
          setPassive(event, false);
          if (isStopped(event)) return end(event);
        }
      }
    }
    return end(event);
  }

  static {
    isTarget = (value) => isObject(value) && #listeners in value;
    hasListener = (target, type) => target.#listeners.some((listener) => listener.type === type);
    dispatch = (target, event) => target.#dispatch(event);
    handlerOf = (target, type) => target.#listeners.find((listener) => listener.handler === type)?.value ?? null;
    setHandler = (target, type, value) => {
      const present = target.#listeners.find((listener) => listener.handler === type);
      if (value === null) {
        if (present) target.#remove(present);
      } else if (present) {
        present.value = value;
      } else {
        const listener = { type, capture: false, once: false, passive: false, removed: false, handler: type, value };
        listener.callback = function (event) {
          if (Reflect.apply(listener.value, this, [event]) === false) cancel(event);
        };
        target.#listeners.push(listener);
      }
    };
  }
}
asInterface(EventTarget, 'EventTarget');

globalTarget = new EventTarget();
export const { addEventListener, removeEventListener, dispatchEvent } = EventTarget.prototype;

function toTarget(object) {
  if (object === undefined || object === null || object === globalThis) return globalTarget;
  if (!isTarget(object)) throw new TypeError('Illegal invocation: not an EventTarget');
  return object;
}

// Dispatches an event of the platform's own.
export function dispatchTrusted(target, event) {
  setTrusted(event, true);
  return dispatch(toTarget(target), event);
}

// What ran out of a task, or out of `promise` while nobody handled it, is the request's error unless the script listens.
// What no listener cancels is written to the console.
native.setReporter((value, promise, place) => {
  if (!hasListener(globalTarget, promise ? 'unhandledrejection' : 'error')) return false;
  if (!promise) report(value, place);
  else if (dispatchTrusted(globalThis, new PromiseRejectionEvent('unhandledrejection', { cancelable: true, promise, reason: value })))
    require('lethe:console').ownMethods.error('Uncaught (in promise)', value);
  return true;
});

// Event handler attributes: `onabort` for the type "abort". Before asInterface().
export function defineHandlers(Class, ...types) {
  for (const type of types) {
    const holder = {
      get [`on${type}`]() {
        return handlerOf(this, type);
      },
      set [`on${type}`](value) {
        setHandler(this, type, typeof value === 'function' ? value : null);
      },
    };
    Object.defineProperty(Class.prototype, `on${type}`, Object.getOwnPropertyDescriptor(holder, `on${type}`));
  }
}
