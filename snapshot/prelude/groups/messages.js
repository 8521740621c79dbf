// SPDX-License-Identifier: Apache-2.0
// Channels of messages within a request: https://html.spec.whatwg.org/multipage/web-messaging.html#message-channels
import native from 'lethe:native';
import { cloneWith, refuse, setPorts, toTransferList } from 'lethe:clone';
import { defineHandlers, dispatchTrusted, Event, EventTarget } from 'lethe:events';
import { showAttributes } from 'lethe:shown';
import { asInterface, isObject, iterated, requireArguments, toDictionary, toDOMString, toUSVString } from '../lib/webidl.js';

const ours = Symbol('ours');
let isPort, sideOf, moveSide, makeMessage;

const toSource = (value) => {
  if (value !== undefined && value !== null && !isPort(value)) throw new TypeError('MessageEvent: the source is not a MessagePort');
  return value ?? null;
};

function toPorts(value) {
  const list = value === undefined ? [] : [...iterated(value, 'MessageEvent: ports')];
  if (!list.every(isPort)) throw new TypeError('MessageEvent: ports has an element that is not a MessagePort');
  return Object.freeze(list);
}

export class MessageEvent extends Event {
  #data;
  #origin;
  #lastEventId;
  #source;
  #ports;
  constructor(type, eventInitDict = {}) {
    requireArguments(arguments.length, 1, 'MessageEvent');
    super(type, eventInitDict);
    const { data = null, lastEventId = '', origin = '', ports, source } = toDictionary(eventInitDict);
    this.#data = data;
    this.#lastEventId = toDOMString(lastEventId);
    this.#origin = toUSVString(origin);
    this.#ports = toPorts(ports);
    this.#source = toSource(source);
  }
  get data() {
    return this.#data;
  }
  get origin() {
    return this.#origin;
  }
  get lastEventId() {
    return this.#lastEventId;
  }
  get source() {
    return this.#source;
  }
  get ports() {
    return this.#ports;
  }
  initMessageEvent(type, bubbles = false, cancelable = false, data = null, origin = '', lastEventId = '', source = null, ports = undefined) {
    requireArguments(arguments.length, 1, 'MessageEvent.initMessageEvent');
    this.initEvent(type, bubbles, cancelable);
    this.#data = data;
    this.#origin = toUSVString(origin);
    this.#lastEventId = toDOMString(lastEventId);
    this.#source = toSource(source);
    this.#ports = toPorts(ports);
  }

  static {
    makeMessage = (data, ports) => {
      const event = new MessageEvent('message', { __proto__: null, data });
      event.#ports = Object.freeze(ports);
      return event;
    };
  }
}
asInterface(MessageEvent, 'MessageEvent');

// One side of a channel, which goes from port to port as these are transferred.
class Side {
  port = null;
  other = null;
  isEnabled = false;
  queue = [];

  receive(message) {
    this.queue.push(message);
    if (this.isEnabled) this.#promise();
  }
  enable() {
    if (this.isEnabled) return;
    this.isEnabled = true;
    for (let i = this.queue.length; i > 0; --i) this.#promise();
  }
  // One message for each task.
  #promise() {
    native.setImmediateTask(() => {
      if (!this.isEnabled || this.queue.length === 0) return;
      const { data, ports } = this.queue.shift();
      dispatchTrusted(this.port, makeMessage(data, ports));
    }, []);
  }
}

export class MessagePort extends EventTarget {
  #side = null; // none: it was transferred or closed

  constructor() {
    if (arguments[0] !== ours) throw new TypeError('Illegal constructor');
    super();
  }
  postMessage(message, options = {}) {
    this.#side;
    requireArguments(arguments.length, 1, 'MessagePort.postMessage');
    // unbound: the script's, so Web IDL tells a sequence from a dictionary
    const list = toTransferList(isObject(options) && options[Symbol.iterator] !== undefined
      ? options
      : toDictionary(options, 'MessagePort.postMessage: the second argument').transfer);
    if (list.includes(this)) refuse('a MessagePort cannot be sent through itself');
    const other = this.#side?.other;
    const isDoomed = !!other && list.includes(other.port);
    const [data, ports] = cloneWith(message, list);
    if (other && !isDoomed) other.receive({ data, ports });
  }
  start() {
    this.#side?.enable();
  }
  close() {
    const side = this.#side;
    this.#side = null;
    if (!side) return;
    side.isEnabled = false;
    if (side.other) side.other.other = null;
    side.other = null;
  }

  static {
    isPort = (value) => isObject(value) && #side in value;
    sideOf = (port) => port.#side;
    moveSide = (side, from, to) => {
      if (from) {
        from.#side = null;
        side.isEnabled = false;
      }
      to.#side = side;
      side.port = to;
    };
  }
}
defineHandlers(MessagePort, 'message', 'messageerror');
{
  // Whoever sets it needs no start().
  const { get, set } = Object.getOwnPropertyDescriptor(MessagePort.prototype, 'onmessage');
  const holder = {
    get onmessage() {
      return Reflect.apply(get, this, []);
    },
    set onmessage(value) {
      Reflect.apply(set, this, [value]);
      sideOf(this)?.enable();
    },
  };
  Object.defineProperty(MessagePort.prototype, 'onmessage', Object.getOwnPropertyDescriptor(holder, 'onmessage'));
}
asInterface(MessagePort, 'MessagePort');

export class MessageChannel {
  #ports = [new MessagePort(ours), new MessagePort(ours)];
  constructor() {
    const sides = [new Side(), new Side()];
    for (const [i, side] of sides.entries()) {
      side.other = sides[1 - i];
      moveSide(side, null, this.#ports[i]);
    }
  }
  get port1() {
    return this.#ports[0];
  }
  get port2() {
    return this.#ports[1];
  }
}
asInterface(MessageChannel, 'MessageChannel');
showAttributes(MessageChannel, 'port1', 'port2');

// While something is cloned: those that are transferred, and what stands for them.
let transferred = new Map();
native.setPlatform(MessagePort.prototype, (value) => {
  if (!isPort(value)) return undefined;
  return transferred.get(value) ?? refuse('a MessagePort can only be transferred');
});
setPorts({
  is: isPort,
  // clone() with these ports in the list of what is to be transferred; [what it returned, the new ports].
  transfer(ports, clone) {
    const successors = new Map();
    for (const port of ports) {
      if (successors.has(port)) refuse('a MessagePort is in the list of what is to be transferred more than once');
      if (!sideOf(port)) refuse('a MessagePort that is detached could not be transferred');
      successors.set(port, new MessagePort(ours));
    }
    const before = transferred;
    transferred = successors;
    let result;
    try {
      result = clone();
    } finally {
      transferred = before;
    }
    for (const port of ports) if (!sideOf(port)) refuse('a MessagePort was detached before it could be transferred');
    for (const [port, successor] of successors) moveSide(sideOf(port), port, successor);
    return [result, [...successors.values()]];
  },
});
