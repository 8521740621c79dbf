// SPDX-License-Identifier: Apache-2.0
// Streams: https://streams.spec.whatwg.org/
import native from 'lethe:native';
import { showAttributes, showFields } from 'lethe:shown';
import * as streams from 'web-streams-polyfill';

export * from 'web-streams-polyfill';

// As interfaces made by asInterface().
for (const Interface of Object.values(streams)) native.setPlatform(Interface.prototype, null);

const method = (Class, name) => $$unbound(Class.prototype[name]);
const getter = (Class, name) => $$unbound(Object.getOwnPropertyDescriptor(Class.prototype, name).get);

// Iterators of streams inherit from that of asynchronous generators. The library, which must run where there is none, makes an
// object that stands alone.
const iteratorPrototype = Object.getPrototypeOf(method(streams.ReadableStream, 'values')(new streams.ReadableStream()));
delete iteratorPrototype[Symbol.asyncIterator];
Object.setPrototypeOf(iteratorPrototype, $$AsyncIteratorPrototype);

// As they are now: whatever a script will have done to them.
const { ReadableStream, ReadableStreamDefaultReader, ReadableByteStreamController, ReadableStreamBYOBRequest, TransformStream, TransformStreamDefaultController } = streams;
export const getReader = method(ReadableStream, 'getReader');
export const cancelStream = method(ReadableStream, 'cancel');
const teeStream = method(ReadableStream, 'tee');
export const isLocked = getter(ReadableStream, 'locked');
export const readFrom = method(ReadableStreamDefaultReader, 'read');
export const cancelReader = method(ReadableStreamDefaultReader, 'cancel');
export const readableOf = getter(TransformStream, 'readable');
export const writableOf = getter(TransformStream, 'writable');
export const enqueueIn = method(TransformStreamDefaultController, 'enqueue');
export const enqueueBytes = method(ReadableByteStreamController, 'enqueue');
export const failBytes = method(ReadableByteStreamController, 'error');
const closeBytes = method(ReadableByteStreamController, 'close');
const byobRequestOf = getter(ReadableByteStreamController, 'byobRequest');
const respond = method(ReadableStreamBYOBRequest, 'respond');
// Also for a reader that waits with a buffer of its own.
export function endBytes(controller) {
  closeBytes(controller);
  const request = byobRequestOf(controller);
  if (request) respond(request, 0);
}

// What the library calls by symbols, on objects that scripts have.
for (const Class of Object.values(streams))
  for (const key of Object.getOwnPropertySymbols(Class.prototype)) if (String(key).startsWith('Symbol([[')) Object.defineProperty(Class.prototype, key, { writable: false, configurable: false });

// Of the library's own state, which it does not export.
export const isReadableStreamDisturbed = (stream) => stream._disturbed;
const isByteStream = (stream) => stream._readableStreamController instanceof ReadableByteStreamController;

const pipeThroughPair = method(ReadableStream, 'pipeThrough');
// The pair as values: a script may have other getters for them.
function pipeThrough(stream, transform) {
  return pipeThroughPair(stream, { __proto__: null, readable: readableOf(transform), writable: writableOf(transform) }, { __proto__: null });
}

// The same chunks once more; the stream itself is locked for ever.
export const throughIdentity = (stream) => pipeThrough(stream, new TransformStream());

// A tee whose second branch has copies of the chunks (that of a byte stream has them anyway).
export function teeWithCopies(stream) {
  const isBytes = isByteStream(stream);
  const [first, second] = teeStream(stream);
  if (isBytes) return [first, second];
  const { structuredClone } = require('lethe:clone');
  const transformer = { __proto__: null, transform: (chunk, controller) => enqueueIn(controller, structuredClone(chunk)) };
  const copies = new TransformStream(transformer, undefined, { __proto__: null, highWaterMark: 0 });
  return [first, pipeThrough(second, copies)];
}

// structuredClone refuses them.
for (const Class of Object.values(streams)) native.setPlatform(Class.prototype, null);

// As Node.js shows them: the library's own fields are nobody's business.
const { ReadableStreamBYOBReader, WritableStream, WritableStreamDefaultWriter } = streams;
const isWritableLocked = getter(WritableStream, 'locked');
for (const Class of [streams.ReadableStreamDefaultController, ReadableByteStreamController, ReadableStreamBYOBRequest, TransformStreamDefaultController]) showFields(Class, () => []);
for (const Class of [streams.ByteLengthQueuingStrategy, streams.CountQueuingStrategy]) showAttributes(Class, 'highWaterMark');
showFields(ReadableStream, (stream) => [['locked', isLocked(stream)], ['state', stream._state], ['supportsBYOB', isByteStream(stream)]]);
showFields(WritableStream, (stream) => [['locked', isWritableLocked(stream)], ['state', stream._state]]);
showFields(TransformStream, (stream) => [['readable', readableOf(stream)], ['writable', writableOf(stream)], ['backpressure', stream._backpressure]]);
showFields(streams.WritableStreamDefaultController, (controller) => [['stream', controller._controlledWritableStream]]);
for (const [Class, name] of [[ReadableStreamDefaultReader, 'readRequests'], [ReadableStreamBYOBReader, 'readIntoRequests']]) {
  const closed = getter(Class, 'closed');
  showFields(Class, (reader) => [['stream', reader._ownerReadableStream], [name, reader[`_${name}`].length], ['close', closed(reader)]]);
}
const [writerClosed, writerReady, desiredSize] = ['closed', 'ready', 'desiredSize'].map((name) => getter(WritableStreamDefaultWriter, name));
showFields(WritableStreamDefaultWriter, (writer) => [
  ['stream', writer._ownerWritableStream], ['close', writerClosed(writer)], ['ready', writerReady(writer)], ['desiredSize', desiredSize(writer)],
]);
