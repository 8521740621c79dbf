// SPDX-License-Identifier: Apache-2.0
// The package is-core-module asks for the version of Node.js, of which nothing is left to ask when all is bundled.
'use strict';
module.exports = () => false;
