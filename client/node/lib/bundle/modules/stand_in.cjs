// SPDX-License-Identifier: Apache-2.0
// A module of Node's whose functions throw when they are called, and name themselves: what a script has not. `names` says which
// there are: 0 for a function, {value} for data, {names} for an object. `ours` are those that are there.
'use strict';
const noSuchThing = { fs: 'files', net: 'network', http: 'network', https: 'network', http2: 'network', tls: 'network', dns: 'network', dgram: 'network', child_process: 'processes', worker_threads: 'threads', cluster: 'processes' };

function notAvailable(name) {
  const module = name.split(/[./]/)[0];
  const why = noSuchThing[module] ? `a script has no ${noSuchThing[module]}` : 'Lethe has nothing for it';
  return Object.assign(new Error(`${name}() is of Node.js: ${why}`), { code: module === 'fs' ? 'ENOENT' : 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM' });
}

// Not an arrow: classes extend some.
function standIn(name) {
  const refuse = function () {
    throw notAvailable(name);
  };
  return Object.defineProperty(refuse, 'name', { value: name.slice(name.lastIndexOf('.') + 1) });
}

function complete(path, names, target) {
  for (const [name, shape] of Object.entries(names)) {
    if (name in target) continue;
    target[name] = shape === 0 ? standIn(`${path}.${name}`) : shape.names ? complete(`${path}.${name}`, shape.names, {}) : shape.value;
  }
  return target;
}

module.exports = (name, names, ours = {}) => (typeof ours === 'object' || typeof ours === 'function' ? complete(name, names, ours) : ours);
module.exports.notAvailable = notAvailable;
