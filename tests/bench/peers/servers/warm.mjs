// A script in the process or thread itself: nothing is put back between two requests.
import vm from 'node:vm';
import {scripts} from './serve.mjs';

for (const [name, text] of Object.entries(scripts)) vm.runInThisContext(text, {filename: `${name}.js`});

export async function run(request) {
  return JSON.stringify({result: await globalThis[request.function](...request.args)});
}
