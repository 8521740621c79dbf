// SPDX-License-Identifier: Apache-2.0
// Packages of which another file is taken, or ./one of this folder, and why.
export const substitutes = {
  'is-core-module': './modules/is_core_module.cjs',
  jimp: 'dist/esm/index.js', // its build for browsers exports nothing by name
  pdfkit: 'js/pdfkit.node.mjs', // its build for browsers has no fonts
  turndown: 'lib/turndown.es.js', // its build for browsers parses by a document
};
