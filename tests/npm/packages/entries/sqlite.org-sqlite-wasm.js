import init from '@sqlite.org/sqlite-wasm';
import wasm from '@sqlite.org/sqlite-wasm/sqlite-wasm/jswasm/sqlite3.wasm';
export async function main() {
  const s = await init({ wasmBinary: wasm, print() {}, printErr() {} });
  const db = new s.oo1.DB(':memory:');
  return db.exec('select 1+1 as x', { rowMode: 'object', returnValue: 'resultRows' });
}
