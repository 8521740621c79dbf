// SPDX-License-Identifier: Apache-2.0
// What is required by a name that is only known when the script runs is not in the bundle.
'use strict';
class Module {}

function createRequire() {
  const require = (name) => {
    throw Object.assign(new Error(`Cannot find module '${name}': a script can only require what was bundled by its name`), { code: 'MODULE_NOT_FOUND' });
  };
  return Object.assign(require, { resolve: require, cache: {}, main: undefined });
}

module.exports = Object.assign(Module, { Module, builtinModules: [], isBuiltin: () => false, createRequire, register() {}, _extensions: {}, _cache: {} });
