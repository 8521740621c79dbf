// SPDX-License-Identifier: Apache-2.0
// Class Console writes to the streams that it is given.
'use strict';
class Console {
  constructor(stdout, stderr = stdout.stderr ?? stdout) {
    const to = (stream) => (...data) => void stream.write(`${letheNode.format(...data)}\n`);
    this.log = this.info = this.debug = to(stdout.stdout ?? stdout);
    this.error = this.warn = to(stderr);
  }
}

module.exports = Object.assign(Object.create(console), console, { Console });
