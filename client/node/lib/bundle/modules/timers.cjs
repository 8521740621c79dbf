// SPDX-License-Identifier: Apache-2.0
// Lethe's timers are numbers; what Node.js has objects for is asked of them, too.
'use strict';
module.exports = {
  setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate,
  get promises() {
    return require('node:timers/promises');
  },
};
