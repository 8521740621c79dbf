import React, { Suspense, use } from 'react';
import { renderToReadableStream } from 'react-dom/server.edge';
const h = React.createElement;
export async function main() {
  const s = await renderToReadableStream(
    h(
      'div',
      null,
      [1, 2].map((x) => h('i', { key: x }, x)),
    ),
  );
  return await new Response(s).text();
}
