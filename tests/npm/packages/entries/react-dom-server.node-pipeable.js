import React from 'react';
import { renderToPipeableStream } from 'react-dom/server.node';
import { PassThrough } from 'stream';
const h = React.createElement;
export async function main() {
  return await new Promise((res, rej) => {
    const w = new PassThrough();
    let t = '';
    w.on('data', (d) => (t += d));
    w.on('end', () => res(t));
    const s = renderToPipeableStream(h('i', null, 'x'), {
      onAllReady() {
        s.pipe(w);
      },
      onError: rej,
    });
  });
}
