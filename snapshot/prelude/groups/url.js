// SPDX-License-Identifier: Apache-2.0
// URL and URLSearchParams: https://url.spec.whatwg.org/
export { URL, URLSearchParams, parseURL, serializeURL } from 'whatwg-url';
