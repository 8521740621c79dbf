// SPDX-License-Identifier: Apache-2.0
// Addresses are texts; a socket can be made, as clients of databases do at once, and throws when it is to connect.
'use strict';
const { Duplex } = require('node:stream');
const { notAvailable } = require('./stand_in.cjs');

const v4 = /^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/;
function isIP(text) {
  if (v4.test(text)) return 4;
  const address = String(text).replace(/%[\w.:-]+$/, '');
  return address.includes(':') && !/[^\da-f:.]/i.test(address) && URL.canParse(`http://[${address}]/`) ? 6 : 0;
}

class Socket extends Duplex {
  connect() {
    throw notAvailable('net.Socket.connect');
  }
  _read() {}
  _write(chunk, encoding, callback) {
    callback(notAvailable('net.Socket.write'));
  }
  setTimeout() {
    return this;
  }
  setNoDelay() {
    return this;
  }
  setKeepAlive() {
    return this;
  }
  ref() {
    return this;
  }
  unref() {
    return this;
  }
}

module.exports = { Socket, Stream: Socket, isIP, isIPv4: (text) => isIP(text) === 4, isIPv6: (text) => isIP(text) === 6 };
