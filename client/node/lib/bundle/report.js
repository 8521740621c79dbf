// SPDX-License-Identifier: Apache-2.0
// What a bundle has in the place of Node's modules, and who imports it: from esbuild's metafile, so only what is in the bundle.
import { isReplaced } from './modules.js';

const prefix = 'lethe:';
const missingPrefix = 'lethe-missing:';
// This folder, and the packages that its modules are made of.
const ofOurs = /(^|\/)(client\/node|node_modules\/lethe)\/lib\/bundle\/|(^|\/)node_modules\/(browserify-zlib|events|punycode|readable-stream|safe-buffer|string_decoder|url)\//;

const add = (map, key, importer) => map.set(key, (map.get(key) ?? new Set()).add(importer));
const sorted = (map) => new Map([...map].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, importers]) => [key, [...importers].sort()]));

export function reportOf(metafile, { substituted, regexps }) {
  const included = new Set();
  for (const output of Object.values(metafile.outputs)) {
    for (const [name, { bytesInOutput }] of Object.entries(output.inputs)) if (bytesInOutput > 0) included.add(name);
  }
  const replaced = new Map();
  const throwing = new Map();
  const missing = new Map();
  for (const [importer, { imports }] of Object.entries(metafile.inputs)) {
    if (importer.startsWith(prefix) || ofOurs.test(importer) || !included.has(importer)) continue;
    for (const { path } of imports) {
      if (!included.has(path)) continue;
      if (path.startsWith(missingPrefix)) add(missing, path.slice(missingPrefix.length), importer);
      else if (path.startsWith(prefix)) add(isReplaced(path.slice(prefix.length)) ? replaced : throwing, path.slice(prefix.length), importer);
    }
  }
  return { replaced: sorted(replaced), throwing: sorted(throwing), missing: sorted(missing), substituted: sorted(substituted), regexps: sorted(regexps) };
}

const mostImporters = 3;
function files(importers) {
  const rest = importers.length - mostImporters;
  return importers.slice(0, mostImporters).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}

function part(title, map) {
  if (map.size === 0) return '';
  return `${title}:\n${[...map].map(([name, importers]) => `  ${name}: ${files(importers)}\n`).join('')}`;
}

export const textOf = (report) =>
  part("Replaced, by modules over Lethe's own", report.replaced) +
  part('Throw when one of their functions is called, as a script has no such thing', report.throwing) +
  part('Not installed: throw when they are required', report.missing) +
  part('Another build of the package, or another package', report.substituted) +
  part('Regular expressions with the flag v, compiled', report.regexps);
