// SPDX-License-Identifier: Apache-2.0
import type { Plugin } from 'esbuild';

/** What became of imports; each map has the files that import it. */
export interface Report {
  /** Modules of Node.js for which there are others, over what Lethe has. */
  replaced: Map<string, string[]>;
  /** Modules of Node.js whose functions throw when they are called. */
  throwing: Map<string, string[]>;
  /** Packages that are not installed, and throw when they are required. */
  missing: Map<string, string[]>;
  /** Packages of which another file was taken than esbuild would have. */
  substituted: Map<string, string[]>;
  /** By file: its regular expressions with the flag v, which were compiled. */
  regexps: Map<string, string[]>;
}

/** Bundles for Lethe what was written for Node.js. Without `report`, the report is printed, unless logLevel is "silent" or "error". */
export function lethe(options?: { report?: (report: Report) => void }): Plugin;
export default lethe;
