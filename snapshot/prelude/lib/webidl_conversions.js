// SPDX-License-Identifier: Apache-2.0
// In the place of webidl-conversions in whatwg-url: what that uses of it, for V8 from 10.2.
import { toUSVString } from './webidl.js';

export const any = (value) => value;
export const USVString = (value, { context }) => toUSVString(value, context);
