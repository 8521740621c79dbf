// SPDX-License-Identifier: Apache-2.0
// The esbuild plugin `lethe/esbuild`: bundles for Lethe what was written for Node.js. It sets what the build's options leave open,
// puts modules of this folder in the place of Node's, stand-ins in the place of those that there can't be, and says what it did.
import { isBuiltin } from 'node:module';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createsRequire, withPlainRequire } from './created_require.js';
import { isOwn, moduleText } from './modules.js';
import { flagV, withoutFlagV } from './regexps.js';
import { reportOf, textOf } from './report.js';
import { substitutes } from './substitutes.js';

const here = path.dirname(fileURLToPath(import.meta.url));
const inPackages = /[/\\]node_modules[/\\]/;
const own = 'lethe'; // the namespace of what stands for a module of Node's
const missing = 'lethe-missing'; // and for a package that is not installed

const define = {
  __dirname: '"/"',
  __filename: '"/index.js"',
  'import.meta.url': '"file:///index.js"',
  'process.env.NODE_ENV': '"production"',
};

// A message to Lethe has at most 16 MiB: what would be longer goes without its embedded map.
const mostBytes = 15 * 2 ** 20;
const withoutMap = (contents) => contents.subarray(0, contents.lastIndexOf('//# sourceMappingURL=data:') >>> 0);
function dropLongMaps({ outputFiles, metafile }, root) {
  for (const file of outputFiles ?? []) if (file.contents.length > mostBytes) file.contents = withoutMap(Buffer.from(file.contents));
  for (const [name, { bytes }] of outputFiles ? [] : Object.entries(metafile.outputs)) {
    const file = path.resolve(root, name);
    if (bytes > mostBytes) writeFileSync(file, withoutMap(readFileSync(file)));
  }
}

// What the user has set stays.
function configure(options) {
  options.bundle ??= true;
  options.format ??= 'esm';
  options.platform ??= 'browser';
  options.conditions = [...new Set([...(options.conditions ?? []), 'workerd', 'worker'])];
  options.target ??= 'es2022';
  options.sourcemap ??= 'inline';
  options.sourcesContent ??= false;
  options.define = { ...define, ...options.define };
  options.loader = { '.wasm': 'binary', '.node': 'empty', ...options.loader };
  options.inject = [path.join(here, 'globals.js'), ...(options.inject ?? [])];
  options.metafile = true; // the report is made of it
}

// Whether all that the bundle is for has the flag v of regular expressions.
const hasFlagV = (target) => [target].flat().join().split(',').every((each) => /^es(next|202[4-9]|20[3-9]\d)$/i.test(each.trim()));

// report(report): gets {replaced, throwing, missing, substituted, regexps} once the bundle is made, each a map of what it concerns
// to the files that import it. By default it is printed, unless logLevel is "silent" or "error".
export function lethe({ report } = {}) {
  return {
    name: 'lethe',
    setup(build) {
      const options = build.initialOptions;
      configure(options);
      const root = options.absWorkingDir ?? process.cwd();
      const shown = (file) => path.relative(root, file);
      const regexps = new Map();
      const substituted = new Map();
      const substitutedFolders = new Set();

      build.onStart(() => {
        regexps.clear();
        substituted.clear();
      });

      build.onResolve({ filter: /^[^./]/ }, async (from) => {
        if (from.pluginData === own || from.kind === 'entry-point') return undefined;
        if (options.external?.includes(from.path)) return undefined;
        const name = from.path.replace(/^node:/, '');
        if (isBuiltin(from.path) || isOwn(name)) return { path: name, namespace: own, sideEffects: false };
        // What a package's build for browsers does without, its other one has.
        const within = [...substitutedFolders].find((folder) => from.importer.startsWith(folder + path.sep));
        if (within) {
          const { path: found, namespace, errors } = await build.resolve(from.path, { kind: from.kind, resolveDir: path.dirname(within), pluginData: own });
          if (errors.length === 0) return { path: found, namespace };
        }
        const substitute = substitutes[from.path];
        // Node.js would say what is not there when the line is reached, and packages count on it: of what they can do without.
        const isOptional = from.kind !== 'import-statement' && inPackages.test(from.importer);
        if (!substitute && !isOptional) return undefined;
        if (substitute?.startsWith('./')) return { path: path.join(here, substitute) };
        const resolved = await build.resolve(from.path, {
          kind: from.kind, importer: from.importer, resolveDir: from.resolveDir, namespace: from.namespace, with: from.with, pluginData: own,
        });
        if (resolved.errors.length > 0) return isOptional ? { path: from.path, namespace: missing, sideEffects: false } : undefined;
        if (!substitute) return undefined;
        const [folder] = new RegExp(`^.*[/\\\\]node_modules[/\\\\]${from.path}(?=[/\\\\])`).exec(resolved.path) ?? [];
        if (!folder) return undefined;
        substitutedFolders.add(folder);
        substituted.set(from.path, [...(substituted.get(from.path) ?? []), shown(from.importer)]);
        return { path: path.join(folder, substitute) };
      });
      build.onLoad({ filter: /.*/, namespace: own }, (from) => ({ contents: moduleText(from.path), resolveDir: path.join(here, 'modules'), loader: 'js' }));
      build.onLoad({ filter: /.*/, namespace: missing }, (from) => ({
        contents: `throw Object.assign(new Error(${JSON.stringify(`Cannot find module '${from.path}': it was not installed when this was bundled`)}), { code: 'MODULE_NOT_FOUND' });`,
        loader: 'js',
      }));

      const compilesFlagV = !hasFlagV(options.target);
      build.onLoad({ filter: /\.([cm]?[jt]s|[jt]sx)$/, namespace: 'file' }, async (from) => {
        const text = readFileSync(from.path, 'utf8');
        const hasFlagged = compilesFlagV && flagV.test(text);
        if (!hasFlagged && !createsRequire.test(text)) return undefined;
        const extension = path.extname(from.path).slice(1);
        const loader = options.loader[`.${extension}`] ?? { mjs: 'js', cjs: 'js', mts: 'ts', cts: 'ts' }[extension] ?? extension;
        // What is not plain JavaScript becomes it first.
        const source = withPlainRequire(loader === 'js' ? text
          : (await build.esbuild.transform(text, { loader, sourcemap: 'inline', sourcefile: from.path, jsx: options.jsx, tsconfigRaw: options.tsconfigRaw, target: 'esnext' })).code);
        const { code, patterns } = hasFlagged ? withoutFlagV(source) : { code: source, patterns: [] };
        if (patterns.length > 0) regexps.set(shown(from.path), patterns);
        return code === text ? undefined : { contents: code, loader: 'js' };
      });

      build.onEnd((result) => {
        if (!result.metafile) return;
        if (options.sourcemap === 'inline') dropLongMaps(result, root);
        const found = reportOf(result.metafile, { substituted, regexps });
        if (report) report(found);
        else if (!['silent', 'error'].includes(options.logLevel)) process.stderr.write(textOf(found));
      });
    },
  };
}
export default lethe;
