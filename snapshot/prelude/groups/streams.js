// SPDX-License-Identifier: Apache-2.0
// Streams: https://streams.spec.whatwg.org/
export * from 'web-streams-polyfill';
