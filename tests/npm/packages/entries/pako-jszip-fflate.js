import * as pako from 'pako';
import JSZip from 'jszip';
import { gzipSync, gunzipSync, strToU8, strFromU8, zipSync, unzipSync } from 'fflate';
export async function main() {
  const z = new JSZip();
  z.file('a.txt', 'hello'.repeat(50));
  const b = await z.generateAsync({ type: 'uint8array', compression: 'DEFLATE' });
  const r = await JSZip.loadAsync(b);
  return [
    await r
      .file('a.txt')
      .async('string')
      .then((s) => s.length),
    pako.inflate(pako.deflate(new Uint8Array([1, 2, 3]))).length,
    strFromU8(gunzipSync(gzipSync(strToU8('hi')))),
    Object.keys(unzipSync(b)),
  ];
}
