// SPDX-License-Identifier: Apache-2.0
// Bundles each lazy group with what it imports, for the build: node bundle.js MODULES GROUPS OUTPUT
// MODULES is where npm has installed the libraries, OUTPUT gets a NAME.js for each NAME.js of GROUPS, and third_party.txt:
// the licences of all that went in.
import { createRequire } from 'node:module';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bind, completeRuntime } from './intrinsics/transform.js';

const [modules, groups, output] = process.argv.slice(2).map((path) => resolve(path));
const installed = createRequire(join(modules, 'x.js'));
const { build, transform } = installed('esbuild');
const { parse } = installed('acorn');

// A parameter of the function that the group becomes (see prelude_groups.cc). Not a property of anything, so that
// no script that changes built-in functions gets hold of it.
const nativeFunctions = {
  name: 'native functions',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^lethe:native$/ }, () => ({ path: 'native', namespace: 'lethe' }));
    onLoad({ filter: /^native$/, namespace: 'lethe' }, () => ({ contents: 'export default native' }));
  },
};

// Parts of libraries that we have in another way.
const changed = new Map(); // path → text
const library = (path) => join(dirname(fileURLToPath(import.meta.url)), 'lib', path);
const replacements = {
  name: 'replacements',
  setup({ onResolve, onLoad }) {
    const replace = (filter, importer, file) => onResolve({ filter }, (from) => (importer.test(from.importer) ? { path: library(file) } : undefined));
    const change = (filter, ...replacements) => onLoad({ filter }, ({ path }) => {
      let contents = readFileSync(path, 'utf8');
      for (const [from, to] of replacements) {
        const text = contents.replace(from, typeof to === 'string' && typeof from === 'string' ? () => to : to);
        if (text === contents) throw new Error(`${path} is not what it was`);
        contents = text;
      }
      changed.set(path, contents);
      return { contents, loader: 'js' };
    });
    replace(/^tr46$/, /\/whatwg-url\//, 'tr46.js');
    replace(/^@exodus\/bytes\//, /\/whatwg-url\//, 'percent_encode.js');
    replace(/^webidl-conversions$/, /\/whatwg-url\//, 'webidl_conversions.js');
    replace(/^\.\/encoding(\.js)?$/, /\/whatwg-url\//, 'utf8.js');
    replace(/\/detach-transferable$/, /\/core-js\//, 'detach_transferable.js');
    // Not tried out: V8 would forget that no buffer has ever been detached, and typed arrays were slower for it.
    change(/\/core-js\/internals\/structured-clone-proper-transfer\.js$/, [/!!structuredClone && [^]*$/, '!!structuredClone;']);
    // A helper of an iterator that is called out of its own call throws, as generators do.
    const refusal = "if (state.running) throw new TypeError('The iterator is already running');";
    change(/\/core-js\/internals\/iterator-create-proxy\.js$/,
      ['if (state.done) return', `${refusal} if (state.done) return`],
      ['try {', 'state.running = true; try {'],
      [/(throw error;\s+\})(\s+\},\s+'return')/, '$1 finally { state.running = false; }$2'],
      ['var iterator = state.iterator;', `${refusal} var iterator = state.iterator;`]);
    // The iterator of a string is asked for with the string.
    change(/\/core-js\/modules\/es\.iterator\.from\.js$/, ["typeof O == 'string' ? toObject(O) : O", 'O']);
    // While a startup snapshot is built, V8 has no shared buffers.
    change(/\/whatwg-url\/lib\/utils\.js$/,
      [/\bObject\.getOwnPropertyDescriptor\(\s*SharedArrayBuffer\.prototype, "byteLength"\)\.get\b/, 'undefined'],
      [/Object\.getPrototypeOf\(\s*Object\.getPrototypeOf\(new globalObject\.Array\(\)\[Symbol\.iterator\]\(\)\)\s*\)/, '$$$$IteratorPrototype']);
    change(/\/whatwg-url\/lib\/URLSearchParams-impl\.js$/, ['this._list[Symbol.iterator]()', '$$iterate(this._list)']);
    // Not a call for each character that a URL's is compared with.
    change(/\/whatwg-url\/lib\/(url-state-machine|urlencoded|percent-encoding)\.js$/, [/\bp\(("(?:[^"\\]|\\.)")\)/g, (call, text) => `${JSON.parse(text).codePointAt(0)}`]);
    // What is not the language's comes from our own groups, and not by what scripts can replace.
    change(/\/@exodus\/bytes\/(base64|single-byte)\.js$/, [/\bglobalThis\b/g, '({ __proto__: null })'], [/\bUint8Array\.fromBase64\b/g, 'undefined']);
    change(/\/@exodus\/bytes\/fallback\/latin1\.js$/, [/\bglobalThis\b/g, '({ __proto__: null })']);
    change(/\/@exodus\/bytes\/fallback\/utf8\.js$/, ['const { decodeURIComponent, escape } = globalThis', 'const escape = undefined']);
    change(/\/@exodus\/bytes\/fallback\/platform\.native\.js$/, [/\bglobalThis\b/g, '({ __proto__: null })'], [/^let isNative = .*$/m, 'let isNative = () => false']);
    change(/\/@exodus\/bytes\/fallback\/_utils\.js$/, [/\bglobalThis\b/g, '({ __proto__: null })'], [/arr\.constructor !== (Uint8Array|Buffer)/g, 'false']);
    // The source of a pipe must not get into the sink's write() out of its own enqueue().
    change(/\/web-streams-polyfill\/dist\/ponyfill\.mjs$/,
      ['_currentWrite=f(Yt(this._state._writer,t),void 0,e),this._resolvePromise(!1)',
        '_currentWrite=f(f(c(void 0),()=>Yt(this._state._writer,t)),void 0,e),this._resolvePromise(!1)'],
      // The rest: what is not the language's comes from our own groups, and not by what scripts can replace.
      ['return u(t=>t(e))', 'return u(t=>t($$resolving(e)))'],
      ['return a.call(e,t,r)', 'return $$Promise_then(e,t,r)'],
      [/ce=e=>\(ce="function"==typeof e\.transfer\?.*?,ce\(e\)\),de=e=>\(de=.*?,de\(e\)\)/, 'ce=e=>native.transferArrayBuffer(e),de=e=>$$$$isDetached(e)'],
      ['function(){if("function"==typeof AbortController)return new AbortController}()', 'require("lethe:abort").makeSignal()'],
      ['||r.abort(t);', '||require("lethe:abort").abortSignal(r,t);'],
      ['return this._abortController.signal', 'return this._abortController'],
      ['i.addEventListener("abort",S)', 'require("lethe:abort").whenAborted(i,S)'],
      ['i.removeEventListener("abort",S)', 'require("lethe:abort").forgetWhenAborted(i,S)'],
      [/"undefined"!=typeof globalThis\?globalThis:"undefined"!=typeof self\?self:"undefined"!=typeof global\?global:void 0/, 'require("lethe:dom_exception")']);
    // Hosts and ports are cut where a URL's parser would stop; names of groups may have characters beyond the first plane.
    change(/\/urlpattern-polyfill\/dist\/urlpattern\.js$/,
      [/^/, 'import { Address as URL } from "lethe:url";'],
      ['let i=e.substr(s,1);', 'let i=String.fromCodePoint(e.codePointAt(s));'],
      ['f+=e[s++];continue', 'f+=i,s+=i.length;continue'],
      ['let A=p.value.length>0?p.value[0]:"";o=c.test(A)', 'let A=p.value.length>0?String.fromCodePoint(p.value.codePointAt(0)):"";o=c.test(A)'],
      ['if(/[\\t\\n\\r #%/:<>?@[\\]^\\\\|]/g.test(e))', 'if(e=e.replace(/[\\t\\n\\r]/g,"").replace(/[#/?\\\\][^]*$/,""),e===""||/[ %:<>@[\\]^|]/.test(e))'],
      ['let t=new URL("https://example.com");return t.hostname=e,t.hostname}a(j,', 'return new URL("https://"+e+"/").hostname}a(j,'],
      [/if\(e===""\|\|\/\^\[0-9\]\*\$\/\.test\(e\)&&parseInt\(e\)<=65535\)return e;/,
        'if(e==="")return e;let t=parseInt(/^[0-9]*/.exec(e.replace(/[\\t\\n\\r]/g,""))[0],10);if(t<=65535)return`${t}`;']);
    // A text that is parsed when it is needed takes less room than an array literal.
    onLoad({ filter: /\/tr46\/.*\.json$/ }, ({ path }) => {
      const text = JSON.stringify(JSON.parse(readFileSync(path, 'utf8')));
      return { contents: `module.exports = JSON.parse(${JSON.stringify(text)})`, loader: 'js' };
    });
  },
};

mkdirSync(output, { recursive: true });
const text = {
  target: 'es2022',
  charset: 'ascii', // one byte for each character of the source in V8, too
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 120, // so that a place in a group's code tells something
  legalComments: 'none',
  logLevel: 'warning',
};
const { metafile, outputFiles } = await build({
  ...text,
  entryPoints: readdirSync(groups).filter((name) => name.endsWith('.js')).map((name) => join(groups, name)),
  outdir: output,
  nodePaths: [modules],
  bundle: true,
  format: 'cjs',
  platform: 'neutral',
  mainFields: ['module', 'main'],
  external: ['lethe:*'],
  plugins: [nativeFunctions, replacements],
  minifyWhitespace: false, // so that comments say which file comes from where
  supported: { 'optional-chain': false },
  write: false,
  metafile: true,
});

// What makes what the language lacks is left as it is: it is evaluated with the intrinsics, and looks up what the
// specification says that it does, be it the script's.
const isLanguage = (path) => /\/core-js\/|lib\/language\/|groups\/builtins\.js$|lib\/detach_transferable\.js$/.test(path);

// What else is left as it is in libraries, and why that does no harm. In our own files a comment says so.
const excuses = [
  [/@exodus\/bytes\//, /^(TextDecoder|TextEncoder|encodeURI|SharedArrayBuffer|TransformStream) is|globalThis\.(SharedArrayBuffer|TransformStream)|Uint8Array\.fromBase64/, 'not reached from the files that are imported'],
  [/@exodus\/bytes\/assert\.js/, /destructured/, 'of an options object'],
  [/@exodus\/bytes\//, /name is computed: mappers/, 'an own table of the library'],
  [/web-streams-polyfill\//, /name is computed: \w+\._(readable|writable)StreamController/, 'methods that groups/streams.js makes unchangeable'],
  [/whatwg-url\/lib\/url-state-machine\.js/, /name is computed: this\[`parse/, 'an own class, which no script sees'],
  [/whatwg-url\/lib\/utils\.js/, /^(yield\*|for await)|convertAsync/, 'not called for URLs'],
];
const reported = new Map();
for (const path of [...Object.keys(metafile.inputs), ...eagerFiles()]) {
  if (!/\.[cm]?js$/.test(path) || isLanguage(path)) continue;
  const { findings } = bind(changed.get(resolve(path)) ?? readFileSync(path, 'utf8'), parse, new Set());
  for (const { line, column, what, text } of findings)
    if (!excuses.some(([file, finding]) => file.test(path) && finding.test(`${what}: ${text}`))) reported.set(`${path}:${line}:${column}: ${what}: ${text}`, true);
}
for (const message of reported.keys()) console.error(message);
if (reported.size > 0) {
  console.error('Take it from another group or the native functions, or say why it may stay: see snapshot/prelude/intrinsics/transform.js');
  process.exit(1);
}
function eagerFiles() {
  const folder = dirname(groups);
  return readdirSync(folder).filter((name) => name.endsWith('.js') && name !== 'bundle.js').map((name) => join(folder, name));
}

// In all other files what has a length is an array or a text, for which it is an own property.
const filesWithBytes = /@exodus\/bytes|web-streams|percent-encoding|urlencoded|\/(bytes|blob|body|data_url|crypto\/\w+|node\/\w+|groups\/(compression|crypto|text|text_streams|legacy_encodings|node_buffer|file_reader|form_data))\.js$|percent_encode/;
function linesWithBytes(source) {
  let isWithBytes = true;
  const lines = source.split('\n').map((line) => {
    const path = /^ *\/\/ (\S+\.[cm]?js)$/.exec(line)?.[1];
    if (path) isWithBytes = filesWithBytes.test(path);
    return isWithBytes;
  });
  return (line) => lines[line - 1];
}

// Each group bound to the language's functions as the snapshot has them.
const used = new Set();
for (const { path, text: source } of outputFiles) {
  const name = basename(path, '.js');
  const ofGroup = new Set();
  const { text: bound, shadowed } = name === 'builtins' ? { text: source, shadowed: [] } : bind(source, parse, ofGroup, linesWithBytes(source));
  if (shadowed.length > 0) throw new Error(`${name}.js declares ${shadowed.join(', ')}, which cannot be bound then`);
  await write(name, ofGroup.size === 0 ? bound : `const {${[...ofGroup].map((helper) => `$$${helper}`).join(',')}} = intrinsics;\n${bound}`);
  for (const helper of ofGroup) used.add(helper);
}
await write('intrinsics', completeRuntime(readFileSync(join(dirname(fileURLToPath(import.meta.url)), 'intrinsics', 'runtime.js'), 'utf8'), used));

async function write(name, source) {
  const { code } = await transform(source, { ...text, format: 'cjs' });
  writeFileSync(join(output, `${name}.js`), code);
}

// Which libraries a group has is seen from the files in it.
const libraries = new Set(Object.keys(metafile.inputs)
  .map((path) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]).filter(Boolean));
const notices = [...libraries].sort().map((name) => {
  const folder = join(modules, name);
  const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  if (!file) throw new Error(`${name} comes without the text of its licence`);
  return `${name} ${version}, ${license}\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
});
writeFileSync(join(output, 'third_party.txt'),
  'The JavaScript that every script finds contains these libraries.\n\n' + notices.join(`\n${'-'.repeat(80)}\n\n`));
