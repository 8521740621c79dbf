import { Builder, parseStringPromise } from 'xml2js';

export async function run(text) {
  return [await parseStringPromise(text), new Builder({ headless: true, renderOpts: { pretty: false } }).buildObject({ q: { $: { k: 'v' }, _: 't<' } })];
}
