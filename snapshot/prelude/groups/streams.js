// SPDX-License-Identifier: Apache-2.0
// Streams: https://streams.spec.whatwg.org/
export * from 'web-streams-polyfill';

// Of the library's own state, which it does not export.
export const isReadableStreamDisturbed = (stream) => stream._disturbed;
