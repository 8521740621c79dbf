// SPDX-License-Identifier: Apache-2.0
'use strict';
const path = require('path-browserify');

module.exports = Object.assign(path, { posix: path, win32: path, toNamespacedPath: (name) => name });
