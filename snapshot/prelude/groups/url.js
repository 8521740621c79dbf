// SPDX-License-Identifier: Apache-2.0
// URL and URLSearchParams: https://url.spec.whatwg.org/
import native from 'lethe:native';
import { showAttributes, showEntries } from 'lethe:shown';
import interfaces from 'whatwg-url/webidl2js-wrapper.js';
import { implementation } from 'whatwg-url/lib/URL-impl.js';
import { parseUrlencodedString } from 'whatwg-url/lib/urlencoded.js';
import { utf8DecodeWithoutBOM } from '../lib/utf8.js';

const here = { Array, Object, Promise, String, TypeError };
interfaces.URL.install(here, ['Window']);
interfaces.URLSearchParams.install(here, ['Window']);

// Named otherwise inside: the bundler would rename the classes themselves.
const { URL: UrlInterface, URLSearchParams: SearchParamsInterface } = here;
// structuredClone refuses them.
for (const Class of [UrlInterface, SearchParamsInterface]) native.setPlatform(Class.prototype, null);
showAttributes(UrlInterface, 'href', 'origin', 'protocol', 'username', 'password', 'host', 'hostname', 'port', 'pathname', 'search', 'searchParams', 'hash');
const forEachParam = $$unbound(SearchParamsInterface.prototype.forEach);
showEntries(SearchParamsInterface, (params) => {
  const entries = [];
  forEachParam(params, (value, name) => void entries.push([name, value]));
  return entries;
});

// What the two look up once is looked up now: a script's first URL changes nothing that is seen later.
forEachParam($$getter(UrlInterface.prototype, 'searchParams')(new UrlInterface('a:')), () => {});

// A URL for the prelude: what it is asked by is not on a prototype that a script has.
export class Address extends implementation {
  constructor(url, base = undefined) {
    super(here, [url, base]);
  }
}
// Of application/x-www-form-urlencoded: a list of [name, value].
export const parseQuery = (bytes) => parseUrlencodedString(utf8DecodeWithoutBOM(bytes));

export { UrlInterface as URL, SearchParamsInterface as URLSearchParams };
