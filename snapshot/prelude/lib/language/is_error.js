// SPDX-License-Identifier: Apache-2.0
// Error.isError, of ECMAScript 2026. That of core-js believes Symbol.toStringTag.
import native from 'lethe:native';

const { kindOf } = native;

export const { isError } = {
  isError(value) {
    return typeof value === 'object' && value !== null && kindOf(value) === 'Error';
  },
};
