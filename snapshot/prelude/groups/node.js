// SPDX-License-Identifier: Apache-2.0
// What the modules that `lethe bundle` puts in the place of Node.js's need of Lethe and scripts have no other way to: Buffer
// and process also without node_globals, the operations of crypto.subtle without promises, the console's texts, what a value is, and the value that V8 carries over an await.
import native from 'lethe:native';
import { format, inspect } from 'lethe:console';

// A script gets no native function itself.
export const letheNode = {
  get Buffer() {
    return require('lethe:node_buffer').Buffer;
  },
  get process() {
    return require('lethe:node_process').process;
  },
  get crypto() {
    return require('lethe:subtle').operations;
  },
  continuation: () => native.continuation(),
  setContinuation: (value) => native.setContinuation(value),
  kindOf: (value) => native.kindOf(value),
  format: (...data) => format(data),
  inspect: (value, options) => inspect(value, options),
};
