// SPDX-License-Identifier: Apache-2.0
// Newer built-ins of the language than this V8 has: in every context from the start. builtIns: the names of what V8 has.
// Returns what takes away those that were for preload scripts only.
(function (native, require, builtIns, hasPreload) {
  const { define, lend } = require('lethe:builtins');
  const names = new Set(builtIns.split(' '));
  define(names);
  return hasPreload ? lend(names) : undefined;
})
