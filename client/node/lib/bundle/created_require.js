// SPDX-License-Identifier: Apache-2.0
// `require` that an ES module made for itself, as esbuild knows it: what is required by a constant name gets into the bundle.
export const createsRequire = /\b(?:const|let|var)\s+([\w$]+)\s*=\s*(?:[\w$]+\.)?createRequire\s*\(\s*import\.meta\.url\s*\)/;

export function withPlainRequire(text) {
  const name = createsRequire.exec(text)?.[1];
  if (!name) return text;
  const uses = new RegExp(`(?<![\\w$.])${name.replaceAll('$', '\\$')}(?![\\w$])(\\s*\\(\\s*['"])?`, 'g');
  return text.replace(uses, (_, constant) => (constant ? `require${constant}` : 'createdRequire'));
}
