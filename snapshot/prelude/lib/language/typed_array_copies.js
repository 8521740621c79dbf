// SPDX-License-Identifier: Apache-2.0
// The methods of typed arrays that change a copy, of ECMAScript 2023. Those of core-js ask for `length` where a script
// can answer, and take detached arrays.

const { RangeError, TypeError } = globalThis; // whatever a script makes of these names
const { apply, getOwnPropertyDescriptor, getPrototypeOf } = Reflect;
const prototype = getPrototypeOf(Uint8Array.prototype);
const { reverse, set, sort, values } = prototype;
const getterOf = (key) => getOwnPropertyDescriptor(prototype, key).get;
const [getLength, getKind] = [getterOf('length'), getterOf(Symbol.toStringTag)];
const { asUintN } = BigInt;
const { trunc } = Math;

const constructors = { __proto__: null };
for (const constructor of [
  Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array,
  BigInt64Array, BigUint64Array,
])
  constructors[constructor.name] = constructor;

const lengthOf = (array) => apply(getLength, array, []);

// The length of a typed array that is not detached; else throws.
function validLength(array) {
  apply(values, array, []);
  return lengthOf(array);
}

function copyOf(array, length) {
  const copy = new constructors[apply(getKind, array, [])](length);
  apply(set, copy, [array]);
  return copy;
}

function toInteger(value) {
  const number = +value;
  return number !== number ? 0 : trunc(number);
}

export const { toReversed, toSorted, with: withElement } = {
  toReversed() {
    return apply(reverse, copyOf(this, validLength(this)), []);
  },
  toSorted(compare) {
    if (compare !== undefined && typeof compare !== 'function') throw new TypeError('The comparison function must be either a function or undefined');
    return apply(sort, copyOf(this, validLength(this)), [compare]);
  },
  with(index, value) {
    const length = validLength(this);
    const relative = toInteger(index);
    const place = relative < 0 ? length + relative : relative;
    const element = apply(getKind, this, [])[0] === 'B' ? asUintN(64, value) : +value;
    // What came of the array meanwhile counts.
    if (!(place >= 0 && place < lengthOf(this))) throw new RangeError('Invalid typed array index');
    const copy = copyOf(this, length);
    copy[place] = element;
    return copy;
  },
};
