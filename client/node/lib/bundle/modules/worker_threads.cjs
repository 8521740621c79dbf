// SPDX-License-Identifier: Apache-2.0
'use strict';
module.exports = { isMainThread: true, threadId: 0, parentPort: null, workerData: null, MessageChannel, MessagePort };
