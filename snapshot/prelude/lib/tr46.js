// SPDX-License-Identifier: Apache-2.0
// In the place of tr46 in whatwg-url: hosts in ASCII need no tables, and get none.

// https://url.spec.whatwg.org/#concept-domain-to-ascii
export function toASCII(domain, options) {
  if (/^[\0-\x7f]*$/.test(domain) && !/(?:^|\.)xn--/i.test(domain)) return domain.toLowerCase();
  // Not imported above, as that would run the group with its tables.
  return require('lethe:idna').toASCII(domain, options);
}
