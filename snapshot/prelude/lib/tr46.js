// SPDX-License-Identifier: Apache-2.0
// In the place of tr46 in whatwg-url: the group with its tables runs for hosts that need them, which are those
// beyond ASCII.
export const toASCII = (domain, options) => require('lethe:idna').toASCII(domain, options);
