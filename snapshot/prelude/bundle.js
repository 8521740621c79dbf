// SPDX-License-Identifier: Apache-2.0
// Bundles each lazy group with what it imports, for the build: node bundle.js MODULES GROUPS OUTPUT
// MODULES is where npm has installed the libraries, OUTPUT gets a NAME.js for each NAME.js of GROUPS, and third_party.txt:
// the licences of all that went in.
import { createRequire } from 'node:module';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const [modules, groups, output] = process.argv.slice(2).map((path) => resolve(path));
const { build } = createRequire(join(modules, 'x.js'))('esbuild');

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
const library = (path) => join(dirname(fileURLToPath(import.meta.url)), 'lib', path);
const replacements = {
  name: 'replacements',
  setup({ onResolve, onLoad }) {
    const replace = (filter, importer, file) => onResolve({ filter }, (from) => (importer.test(from.importer) ? { path: library(file) } : undefined));
    const change = (filter, ...replacements) => onLoad({ filter }, ({ path }) => {
      let contents = readFileSync(path, 'utf8');
      for (const [from, to] of replacements) {
        const text = contents.replace(from, to);
        if (text === contents) throw new Error(`${path} is not what it was`);
        contents = text;
      }
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
      [/\bObject\.getOwnPropertyDescriptor\(\s*SharedArrayBuffer\.prototype, "byteLength"\)\.get\b/, 'undefined']);
    // The source of a pipe must not get into the sink's write() out of its own enqueue().
    change(/\/web-streams-polyfill\/dist\/ponyfill\.mjs$/,
      ['_currentWrite=f(Yt(this._state._writer,t),void 0,e),this._resolvePromise(!1)',
        '_currentWrite=f(f(c(void 0),()=>Yt(this._state._writer,t)),void 0,e),this._resolvePromise(!1)']);
    // Hosts and ports are cut where a URL's parser would stop; names of groups may have characters beyond the first plane.
    change(/\/urlpattern-polyfill\/dist\/urlpattern\.js$/,
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
const { metafile } = await build({
  entryPoints: readdirSync(groups).filter((name) => name.endsWith('.js')).map((name) => join(groups, name)),
  outdir: output,
  nodePaths: [modules],
  bundle: true,
  format: 'cjs',
  platform: 'neutral',
  mainFields: ['module', 'main'],
  external: ['lethe:*'],
  plugins: [nativeFunctions, replacements],
  target: 'es2022',
  charset: 'ascii', // one byte for each character of the source in V8, too
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 120, // so that a place in a group's code tells something
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
});

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
