// SPDX-License-Identifier: Apache-2.0
// That of node_globals. Libraries look at its version to know what Node.js has: it is that of the Node.js whose way of things the
// modules here have, whatever the V8.
'use strict';
const { process } = letheNode;

module.exports = Object.assign(Object.create(Object.getPrototypeOf(process)), process, {
  version: 'v20.20.0',
  versions: { ...process.versions },
  env: { ...process.env },
  pid: 1,
  ppid: 0,
  config: { variables: {} },
  features: {},
  release: {},
  execPath: '/usr/bin/lethe',
  exitCode: undefined,
  umask: () => 0o22,
  memoryUsage: Object.assign(() => ({ rss: 0, heapTotal: 0, heapUsed: 0, external: 0, arrayBuffers: 0 }), { rss: () => 0 }),
  getuid: () => 0,
  geteuid: () => 0,
  getgid: () => 0,
  getegid: () => 0,
  setMaxListeners() {
    return this;
  },
  listenerCount: () => 0,
  binding(name) {
    throw new Error(`process.binding('${name}') is of Node.js: Lethe has nothing for it`);
  },
});
