// SPDX-License-Identifier: Apache-2.0
// Math.random over a state that the worker fills with entropy before each request: V8's own generator
// would repeat its numbers after a fork, in every context from the snapshot, and after each rewind.
// xoshiro128** 1.1 by David Blackman and Sebastiano Vigna, https://prng.di.unimi.it/xoshiro128starstar.c
(function (native) {
  'use strict';
  const state = new Uint32Array(new ArrayBuffer(16));
  state[0] = 1; // all zero is the one state that the generator never leaves
  const imul = Math.imul;

  function next() {
    const scrambled = imul(state[1], 5);
    const result = imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0;
    const shifted = state[1] << 9;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    const high = state[3];
    state[3] = (high << 11) | (high >>> 21);
    return result;
  }

  // 53 random bits, as V8's: 27 of one number and 26 of the next. A method, so that it can't be constructed, as the original.
  const { random } = {
    random() {
      return ((next() >>> 5) * 67108864 + (next() >>> 6)) / 9007199254740992;
    },
  };
  Object.defineProperty(Math, 'random', { value: random, writable: true, enumerable: false, configurable: true });
  native.setRandomState(state);
})
