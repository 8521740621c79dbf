// SPDX-License-Identifier: Apache-2.0
// Newer built-ins of the language than this V8 has: in every context from the start.
(function (native, require) {
  require('lethe:builtins');
})
