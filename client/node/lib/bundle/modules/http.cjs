// SPDX-License-Identifier: Apache-2.0
// What only concerns texts and options; a request throws.
'use strict';
// Some make one when they are loaded.
class Agent {
  constructor(options = {}) {
    this.options = options;
  }
  destroy() {}
}

const wrong = (code, message) => Object.assign(new TypeError(message), { code });

module.exports = {
  Agent,
  globalAgent: new Agent(),
  validateHeaderName(name) {
    if (typeof name !== 'string' || !/^[\w!#$%&'*+.^`|~-]+$/.test(name)) throw wrong('ERR_INVALID_HTTP_TOKEN', `Header name must be a valid HTTP token ["${name}"]`);
  },
  validateHeaderValue(name, value) {
    if (value === undefined) throw wrong('ERR_HTTP_INVALID_HEADER_VALUE', `Invalid value "${value}" for header "${name}"`);
    if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) throw wrong('ERR_INVALID_CHAR', `Invalid character in header content ["${name}"]`);
  },
};
