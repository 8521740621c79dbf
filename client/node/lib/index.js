// SPDX-License-Identifier: Apache-2.0
// JavaScript in Lethe, from Node.js; see index.d.ts.
export { connect, Connection } from './connection.js';
export {
  Busy, Cancelled, CompileError, ConnectionLost, DeadlineExceeded, Forbidden, InternalError, InvalidRequest, InvalidValue,
  LetheError, MemoryLimit, NotFound, Quarantined, SandboxViolation, ScriptError, ShuttingDown, TooLarge, WorkerCrashed,
} from './errors.js';
export { Report, Retry } from './request.js';
