// SPDX-License-Identifier: Apache-2.0
// Streams: https://streams.spec.whatwg.org/
import native from 'lethe:native';
import * as streams from 'web-streams-polyfill';

export * from 'web-streams-polyfill';

// As interfaces made by asInterface().
for (const Interface of Object.values(streams)) native.setPlatform(Interface.prototype, null);

// Iterators of streams inherit from that of asynchronous generators. The library, which must run where there is none, makes an
// object that stands alone.
const iteratorPrototype = Object.getPrototypeOf(new streams.ReadableStream().values());
delete iteratorPrototype[Symbol.asyncIterator];
Object.setPrototypeOf(iteratorPrototype, Object.getPrototypeOf(Object.getPrototypeOf(async function* () {}).prototype));

// Of the library's own state, which it does not export.
export const isReadableStreamDisturbed = (stream) => stream._disturbed;

// structuredClone refuses them.
for (const Class of Object.values(streams)) native.setPlatform(Class.prototype, null);
