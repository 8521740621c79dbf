// SPDX-License-Identifier: Apache-2.0
// setTimeout and its kin: https://html.spec.whatwg.org/multipage/timers-and-user-prompts.html#timers, without
// source text as the first argument; setImmediate as in Node.js.
(function (native) {
  'use strict';
  const { setTimer, setImmediateTask, clearTask, queueTask } = native;

  const functionFor = (name, value) => {
    if (typeof value !== 'function') throw new TypeError(`${name}: the first argument must be a function`);
    return value;
  };
  const functions = {
    setTimeout(callback, delay = 0, ...args) {
      return setTimer(functionFor('setTimeout', callback), args, delay | 0, false);
    },
    setInterval(callback, delay = 0, ...args) {
      return setTimer(functionFor('setInterval', callback), args, delay | 0, true);
    },
    setImmediate(callback, ...args) {
      return setImmediateTask(functionFor('setImmediate', callback), args);
    },
    clearTimeout(id = 0) {
      clearTask(id | 0);
    },
    clearInterval(id = 0) {
      clearTask(id | 0);
    },
    clearImmediate(id = 0) {
      clearTask(id | 0);
    },
    queueMicrotask(callback) {
      queueTask(functionFor('queueMicrotask', callback));
    },
  };
  for (const name of Object.keys(functions))
    Object.defineProperty(globalThis, name, { value: functions[name], writable: true, enumerable: false, configurable: true });
})
