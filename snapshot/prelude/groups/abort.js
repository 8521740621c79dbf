// SPDX-License-Identifier: Apache-2.0
// Aborting: https://dom.spec.whatwg.org/#aborting-ongoing-activities
import { DOMException } from 'lethe:dom_exception';
import native from 'lethe:native';
import { Event, EventTarget, defineHandlers, dispatchTrusted, setAbortSignals } from 'lethe:events';
import { showAttributes } from 'lethe:shown';
import { asInterface, isObject, requireArguments, toInteger } from '../lib/webidl.js';

const ours = Symbol('ours');
let create, abort, isSignal, isAborted, reasonOf, addAlgorithm, removeAlgorithm, follow;

export class AbortSignal extends EventTarget {
  #aborted = false;
  #reason = undefined;
  #algorithms = new Set();
  #isDependent = false;
  #sources = []; // of a dependent signal
  #dependents = [];

  constructor() {
    if (arguments[0] !== ours) throw new TypeError('Illegal constructor: use an AbortController');
    super();
  }

  static abort(reason = undefined) {
    const signal = create();
    signal.#aborted = true;
    signal.#reason = reason === undefined ? new DOMException('This operation was aborted', 'AbortError') : reason;
    return signal;
  }

  static timeout(milliseconds) {
    requireArguments(arguments.length, 1, 'AbortSignal.timeout');
    const ms = toInteger(milliseconds, 64, { enforce: true, where: 'AbortSignal.timeout: the time' });
    const signal = create();
    native.setTimer(() => abort(signal, new DOMException('The operation timed out', 'TimeoutError')), [], ms | 0, false);
    return signal;
  }

  static any(signals) {
    requireArguments(arguments.length, 1, 'AbortSignal.any');
    if (!isObject(signals)) throw new TypeError('AbortSignal.any: the argument is not a sequence');
    const list = [...signals];
    if (!list.every(isSignal)) throw new TypeError('AbortSignal.any: not all are AbortSignals');
    return follow(list);
  }

  get aborted() {
    return this.#aborted;
  }
  get reason() {
    return this.#reason;
  }
  throwIfAborted() {
    if (this.#aborted) throw this.#reason;
  }

  #runSteps() {
    const algorithms = [...this.#algorithms];
    this.#algorithms.clear();
    for (const algorithm of algorithms) algorithm();
    dispatchTrusted(this, new Event('abort'));
  }

  static {
    create = () => new AbortSignal(ours);
    isSignal = (value) => isObject(value) && #aborted in value;
    isAborted = (signal) => signal.#aborted;
    reasonOf = (signal) => signal.#reason;
    addAlgorithm = (signal, algorithm) => void (signal.#aborted || signal.#algorithms.add(algorithm));
    removeAlgorithm = (signal, algorithm) => signal.#algorithms.delete(algorithm);
    abort = (signal, reason = undefined) => {
      if (signal.#aborted) return;
      signal.#aborted = true;
      signal.#reason = reason === undefined ? new DOMException('This operation was aborted', 'AbortError') : reason;
      const also = signal.#dependents.filter((dependent) => !dependent.#aborted);
      for (const dependent of also) {
        dependent.#aborted = true;
        dependent.#reason = signal.#reason;
      }
      signal.#runSteps();
      for (const dependent of also) dependent.#runSteps();
    };
    follow = (signals) => {
      const result = create();
      for (const signal of signals) {
        if (!signal.#aborted) continue;
        result.#aborted = true;
        result.#reason = signal.#reason;
        return result;
      }
      result.#isDependent = true;
      for (const signal of signals) {
        for (const source of signal.#isDependent ? signal.#sources : [signal]) {
          if (result.#sources.includes(source)) continue;
          result.#sources.push(source);
          source.#dependents.push(result);
        }
      }
      return result;
    };
  }
}
defineHandlers(AbortSignal, 'abort');
asInterface(AbortSignal, 'AbortSignal');
showAttributes(AbortSignal, 'aborted');

export class AbortController {
  #signal = create();
  get signal() {
    return this.#signal;
  }
  abort(reason = undefined) {
    abort(this.#signal, reason);
  }
}
asInterface(AbortController, 'AbortController');
showAttributes(AbortController, 'signal');

// As an AbortController's.
export const makeSignal = () => create();
export { abort as abortSignal, isAborted as isSignalAborted, reasonOf as abortReason, follow as dependentSignal, isSignal as isAbortSignal, addAlgorithm as whenAborted, removeAlgorithm as forgetWhenAborted };

setAbortSignals({ is: isSignal, isAborted, whenAborted: addAlgorithm });
