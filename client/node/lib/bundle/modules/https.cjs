// SPDX-License-Identifier: Apache-2.0
'use strict';
const { Agent } = require('./http.cjs');

module.exports = { Agent, globalAgent: new Agent() };
