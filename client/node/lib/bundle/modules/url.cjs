// SPDX-License-Identifier: Apache-2.0
'use strict';
const legacy = require('url/');

const fileUrl = (name) => new URL(`file://${encodeURI(require('node:path').resolve(name)).replace(/[?#]/g, encodeURIComponent)}`);
function pathOf(url) {
  const { protocol, hostname, pathname } = typeof url === 'string' ? new URL(url) : url;
  if (protocol !== 'file:') throw Object.assign(new TypeError('The URL must be of scheme file'), { code: 'ERR_INVALID_URL_SCHEME' });
  if (hostname !== '') throw Object.assign(new TypeError('File URL host must be "localhost" or empty'), { code: 'ERR_INVALID_FILE_URL_HOST' });
  return decodeURIComponent(pathname);
}

function formatted(url, { auth = true, fragment = true, search = true } = {}) {
  const shown = new URL(url);
  if (!auth) shown.username = shown.password = '';
  if (!fragment) shown.hash = '';
  if (!search) shown.search = '';
  return shown.href;
}

const domain = (name, asText) => {
  try {
    return asText ? require('punycode/').toUnicode(new URL(`ws://${name}`).hostname) : new URL(`ws://${name}`).hostname;
  } catch {
    return '';
  }
};

module.exports = {
  Url: legacy.Url,
  parse: legacy.parse,
  resolve: legacy.resolve,
  resolveObject: legacy.resolveObject,
  format: (url, options) => (url instanceof URL ? formatted(url, options) : legacy.format(url)),
  URL,
  URLSearchParams,
  pathToFileURL: fileUrl,
  fileURLToPath: pathOf,
  urlToHttpOptions: ({ protocol, hostname, hash, search, pathname, href, port, username, password }) => ({
    protocol, hostname: hostname.replace(/^\[|\]$/g, ''), hash, search, pathname, path: `${pathname}${search}`, href,
    ...(port !== '' && { port: Number(port) }),
    ...((username || password) && { auth: `${decodeURIComponent(username)}:${decodeURIComponent(password)}` }),
  }),
  domainToASCII: (name) => domain(name, false),
  domainToUnicode: (name) => domain(name, true),
};
