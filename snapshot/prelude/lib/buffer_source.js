// SPDX-License-Identifier: Apache-2.0
// Which values are buffers or views on them, whatever their prototypes are.
import native from 'lethe:native';

const { isView } = ArrayBuffer;
const { apply, getOwnPropertyDescriptor, getPrototypeOf } = Reflect;
const tagOf = getOwnPropertyDescriptor(getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag).get;

export const isUint8Array = (value) => apply(tagOf, value, []) === 'Uint8Array';
// [AllowShared] BufferSource
export const isBufferSource = (value) => isView(value) || native.bufferKind(value) !== 0;
// BufferSource
export const isUnsharedBufferSource = (value) => native.bufferKind(value) === 1;
