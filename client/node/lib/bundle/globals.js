// SPDX-License-Identifier: Apache-2.0
// What Node.js has as global names, and Lethe's scripts only with node_globals.
import process from 'node:process';

const values = { global: globalThis, Buffer: letheNode.Buffer, process };
for (const name of Object.keys(values)) Object.defineProperty(globalThis, name, { value: values[name], writable: true, enumerable: false, configurable: true });
