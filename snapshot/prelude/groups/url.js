// SPDX-License-Identifier: Apache-2.0
// URL and URLSearchParams: https://url.spec.whatwg.org/
import native from 'lethe:native';
import interfaces from 'whatwg-url/webidl2js-wrapper.js';

const here = { Array, Object, Promise, String, TypeError };
interfaces.URL.install(here, ['Window']);
interfaces.URLSearchParams.install(here, ['Window']);

// Named otherwise inside: the bundler would rename the classes themselves.
const { URL: UrlInterface, URLSearchParams: SearchParamsInterface } = here;
// structuredClone refuses them.
for (const Class of [UrlInterface, SearchParamsInterface]) native.setPlatform(Class.prototype, null);
export { UrlInterface as URL, SearchParamsInterface as URLSearchParams };
