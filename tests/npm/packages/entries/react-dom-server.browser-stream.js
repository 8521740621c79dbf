import React, { Suspense, use } from 'react';
import { renderToReadableStream } from 'react-dom/server.browser';
const h = React.createElement;
export async function main() {
  const p = new Promise((r) => setTimeout(r, 5, 'late'));
  function L() {
    return h('b', null, use(p));
  }
  const s = await renderToReadableStream(h('div', null, h(Suspense, { fallback: 'wait' }, h(L))));
  await s.allReady;
  const t = await new Response(s).text();
  return [t.includes('late'), t.replace(/<script.*<\/script>/, '').slice(0, 60)];
}
