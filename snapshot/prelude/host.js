// SPDX-License-Identifier: Apache-2.0
// host.call(name, ...arguments): asks the client that sent the request; a promise of its answer.
(function (native) {
  'use strict';
  const { call: ask } = native;
  const host = {
    call(name, ...args) {
      if (typeof name !== 'string')
        throw new TypeError('host.call: the first argument is the name of what the client shall do, a string');
      return ask(name, args);
    },
  };
  Object.defineProperty(globalThis, 'host', { value: Object.freeze(host), writable: true, enumerable: false, configurable: true });
})
