// SPDX-License-Identifier: Apache-2.0
// Small members of the global scope.
import { dispatchTrusted, ErrorEvent } from 'lethe:events';
import native from 'lethe:native';
import { asInterface, requireArguments } from '../lib/webidl.js';

const ours = Symbol('ours');

export const self = globalThis;

export class Navigator {
  #isNavigator = true;
  constructor() {
    if (arguments[0] !== ours) throw new TypeError('Illegal constructor');
  }
  get userAgent() {
    this.#isNavigator;
    return `Lethe/${native.version()}`;
  }
}
asInterface(Navigator, 'Navigator');
export const navigator = new Navigator(ours);

// https://html.spec.whatwg.org/multipage/webappapis.html#report-an-exception: what no listener cancels is written to
// the console, and the request goes on.
let isReporting = false;
// place: [script, line, column] of the throw
export function report(error, [filename, lineno, colno]) {
  if (!isReporting) {
    isReporting = true;
    try {
      const message = `Uncaught ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`;
      if (!dispatchTrusted(globalThis, new ErrorEvent('error', { cancelable: true, message, filename, lineno, colno, error }))) return;
    } catch {
      // What cannot be made a text is written as it is.
    } finally {
      isReporting = false;
    }
  }
  require('lethe:console').ownMethods.error('Uncaught', error);
}

export const { reportError } = {
  reportError(error) {
    requireArguments(arguments.length, 1, 'reportError');
    report(error, native.placeOf(error));
  },
};
