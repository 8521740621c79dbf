// SPDX-License-Identifier: Apache-2.0
// In the place of what core-js tries in order to detach a buffer: it runs before there is anything that transfers.
const { default: native } = require('lethe:native');

module.exports = (buffer) => native.detachArrayBuffer(buffer);
