// SPDX-License-Identifier: Apache-2.0
// Which values are buffers or views on them, whatever their prototypes are.

const { isView } = ArrayBuffer;
const { apply, getPrototypeOf } = Reflect;
const { getOwnPropertyDescriptor } = Object;
const getter = (object, name) => getOwnPropertyDescriptor(object, name).get;

const typedArray = getPrototypeOf(Uint8Array.prototype);
const tagOf = getter(typedArray, Symbol.toStringTag);
const bufferOf = getter(typedArray, 'buffer');
const viewBuffer = getter(DataView.prototype, 'buffer');
const lengthOf = getter(ArrayBuffer.prototype, 'byteLength');
const sharedLengthOf = getter(SharedArrayBuffer.prototype, 'byteLength');

// The getters throw if they are given something else.
function has(get, value) {
  try {
    apply(get, value, []);
    return true;
  } catch {
    return false;
  }
}

export const isUint8Array = (value) => apply(tagOf, value, []) === 'Uint8Array';
const isBuffer = (value) => has(lengthOf, value);
const isShared = (value) => has(sharedLengthOf, value);

// [AllowShared] BufferSource
export const isBufferSource = (value) => isView(value) || isBuffer(value) || isShared(value);
// BufferSource
export const isUnsharedBufferSource = (value) =>
  isView(value) ? !isShared(apply(apply(tagOf, value, []) === undefined ? viewBuffer : bufferOf, value, [])) : isBuffer(value);
