// SPDX-License-Identifier: Apache-2.0
// Streams: https://streams.spec.whatwg.org/
import native from 'lethe:native';
import * as streams from 'web-streams-polyfill';

export * from 'web-streams-polyfill';

// As interfaces made by asInterface().
for (const Interface of Object.values(streams)) native.setPlatform(Interface.prototype, null);

// Of the library's own state, which it does not export.
export const isReadableStreamDisturbed = (stream) => stream._disturbed;

// structuredClone refuses them.
for (const Class of Object.values(streams)) native.setPlatform(Class.prototype, null);
