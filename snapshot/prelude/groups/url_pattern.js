// SPDX-License-Identifier: Apache-2.0
// URLPattern: https://urlpattern.spec.whatwg.org/
import { URLPattern } from 'urlpattern-polyfill/urlpattern';
import { asInterface } from '../lib/webidl.js';

asInterface(URLPattern, 'URLPattern');
export { URLPattern };
