// SPDX-License-Identifier: Apache-2.0
// Nothing of it tells about the machine.
'use strict';
module.exports = {
  EOL: '\n',
  devNull: '/dev/null',
  arch: () => 'x64',
  platform: () => 'linux',
  type: () => 'Linux',
  release: () => '6.0.0',
  version: () => '',
  machine: () => 'x86_64',
  hostname: () => 'localhost',
  homedir: () => '/',
  tmpdir: () => '/tmp',
  endianness: () => 'LE',
  cpus: () => [],
  availableParallelism: () => 1,
  freemem: () => 0,
  totalmem: () => 0,
  loadavg: () => [0, 0, 0],
  uptime: () => 0,
  networkInterfaces: () => ({}),
  userInfo: () => ({ uid: 0, gid: 0, username: 'lethe', homedir: '/', shell: null }),
};
