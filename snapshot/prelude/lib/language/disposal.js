// SPDX-License-Identifier: Apache-2.0
// Explicit resource management but for its syntax: what compilers turn `using` into, and what is used without it. Symbols
// of core-js would be registered ones; its stacks differ from the specification in what they await.
import { method } from './operations.js';

const { Error, Object, ReferenceError, TypeError } = globalThis; // whatever a script makes of these names
const { apply, construct, defineProperty, getPrototypeOf, setPrototypeOf } = Reflect;
const hidden = (value) => ({ __proto__: null, value, writable: true, enumerable: false, configurable: true });
const fixed = (value) => ({ __proto__: null, value, writable: false, enumerable: false, configurable: false });

defineProperty(Symbol, 'dispose', fixed(Symbol('Symbol.dispose')));
defineProperty(Symbol, 'asyncDispose', fixed(Symbol('Symbol.asyncDispose')));
const { dispose, asyncDispose } = Symbol;

function requireFunction(value) {
  if (typeof value !== 'function') throw new TypeError('What shall be called at the disposal is not a function');
}

function requireObject(value) {
  if (Object(value) !== value) throw new TypeError('What shall be disposed of is not an object');
}

export function SuppressedError(error, suppressed, message) {
  const that = construct(Error, message === undefined ? [] : [message], new.target ?? SuppressedError);
  defineProperty(that, 'error', hidden(error));
  defineProperty(that, 'suppressed', hidden(suppressed));
  return that;
}
setPrototypeOf(SuppressedError, Error);
setPrototypeOf(SuppressedError.prototype, Error.prototype);
defineProperty(SuppressedError.prototype, 'name', hidden('SuppressedError'));
defineProperty(SuppressedError.prototype, 'message', hidden(''));
defineProperty(SuppressedError, 'prototype', { __proto__: null, writable: false });

// What was thrown, one after the other.
class Failures {
  any = false;
  error = undefined;

  add(error) {
    this.error = this.any ? new SuppressedError(error, this.error) : error;
    this.any = true;
  }
}

function syncDisposer(resource) {
  requireObject(resource);
  const disposer = method(resource, dispose);
  if (disposer === undefined) throw new TypeError('The object has no method Symbol.dispose');
  return disposer;
}

function asyncDisposer(resource) {
  requireObject(resource);
  const disposer = method(resource, asyncDispose);
  if (disposer !== undefined) return disposer;
  const syncOne = syncDisposer(resource);
  // A promise that it returns is not awaited.
  return async function () {
    apply(syncOne, this, []);
  };
}

// Where new.target has no prototype it is the class's own, not Object's.
function adopt(object, target, Class) {
  if (getPrototypeOf(object) === Object.prototype && Object(target.prototype) !== target.prototype) setPrototypeOf(object, Class.prototype);
}

// A stack's resources: a chain, the last that was added first. An array would ask a script's prototypes.
class Resources {
  isDisposed = false;
  last = undefined;

  requirePending() {
    if (this.isDisposed) throw new ReferenceError('The stack is already disposed');
  }

  add(resource, disposer) {
    this.last = { __proto__: null, resource, disposer, next: this.last };
  }

  adopt(value, onDispose) {
    this.requirePending();
    requireFunction(onDispose);
    this.add(undefined, () => apply(onDispose, undefined, [value]));
    return value;
  }

  defer(onDispose) {
    this.requirePending();
    requireFunction(onDispose);
    this.add(undefined, onDispose);
  }

  moveTo(other) {
    this.requirePending();
    other.last = this.end();
  }

  end() {
    const { last } = this;
    this.last = undefined;
    this.isDisposed = true;
    return last;
  }
}

export class DisposableStack {
  #resources = new Resources();

  constructor() {
    adopt(this, new.target, DisposableStack);
  }

  get disposed() {
    return this.#resources.isDisposed;
  }

  dispose() {
    const failures = new Failures();
    for (let entry = this.#resources.end(); entry !== undefined; entry = entry.next)
      try {
        apply(entry.disposer, entry.resource, []);
      } catch (error) {
        failures.add(error);
      }
    if (failures.any) throw failures.error;
  }

  use(value) {
    this.#resources.requirePending();
    if (value !== undefined && value !== null) this.#resources.add(value, syncDisposer(value));
    return value;
  }

  adopt(value, onDispose) {
    return this.#resources.adopt(value, onDispose);
  }

  defer(onDispose) {
    this.#resources.defer(onDispose);
  }

  move() {
    const stack = new DisposableStack();
    this.#resources.moveTo(stack.#resources);
    return stack;
  }
}

export class AsyncDisposableStack {
  #resources = new Resources();

  constructor() {
    adopt(this, new.target, AsyncDisposableStack);
  }

  get disposed() {
    return this.#resources.isDisposed;
  }

  // Not asynchronous functions themselves: those have another prototype.
  disposeAsync() {
    return AsyncDisposableStack.#dispose(this);
  }

  static async #dispose(stack) {
    const failures = new Failures();
    let [mustAwait, hasAwaited] = [false, false];
    for (let entry = stack.#resources.end(); entry !== undefined; entry = entry.next)
      if (entry.disposer === undefined) {
        mustAwait = true;
      } else {
        try {
          const result = apply(entry.disposer, entry.resource, []);
          hasAwaited = true;
          await result;
        } catch (error) {
          failures.add(error);
        }
      }
    if (mustAwait && !hasAwaited) await undefined;
    if (failures.any) throw failures.error;
  }

  use(value) {
    this.#resources.requirePending();
    this.#resources.add(value, value === undefined || value === null ? undefined : asyncDisposer(value));
    return value;
  }

  adopt(value, onDispose) {
    return this.#resources.adopt(value, onDispose);
  }

  defer(onDispose) {
    this.#resources.defer(onDispose);
  }

  move() {
    const stack = new AsyncDisposableStack();
    this.#resources.moveTo(stack.#resources);
    return stack;
  }
}

function finish({ prototype }, name, key, disposer) {
  defineProperty(prototype, key, hidden(disposer));
  defineProperty(prototype, Symbol.toStringTag, { __proto__: null, value: name, writable: false, enumerable: false, configurable: true });
}
finish(DisposableStack, 'DisposableStack', dispose, DisposableStack.prototype.dispose);
finish(AsyncDisposableStack, 'AsyncDisposableStack', asyncDispose, AsyncDisposableStack.prototype.disposeAsync);

async function endIteration(iterator) {
  const end = method(iterator, 'return');
  if (end !== undefined) await apply(end, iterator, [undefined]);
}

const iteratorMethods = {
  [dispose]() {
    const end = method(this, 'return');
    if (end !== undefined) apply(end, this, []);
  },
  [asyncDispose]() {
    return endIteration(this);
  },
};
const iteratorPrototype = getPrototypeOf(getPrototypeOf([].values()));
const asyncIteratorPrototype = getPrototypeOf(getPrototypeOf((async function* () {}).prototype));
defineProperty(iteratorPrototype, dispose, hidden(iteratorMethods[dispose]));
defineProperty(asyncIteratorPrototype, asyncDispose, hidden(iteratorMethods[asyncDispose]));

for (const [name, value] of Object.entries({ SuppressedError, DisposableStack, AsyncDisposableStack })) {
  defineProperty(value, 'name', { __proto__: null, value: name }); // the bundle may call it otherwise
  defineProperty(globalThis, name, hidden(value));
}
