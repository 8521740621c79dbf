import { AsyncLocalStorage } from 'node:async_hooks';
import { PassThrough } from 'node:stream';
import { Suspense, createElement, use } from 'react';
import { renderToPipeableStream } from 'react-dom/server.node';

const user = new AsyncLocalStorage();
const later = (ms, value) => new Promise((resolve) => setTimeout(resolve, ms, value));

async function page(name) {
  const order = later(5).then(() => `order of ${user.getStore()}`);
  const Order = () => createElement('b', null, use(order));
  const output = new PassThrough();
  const { pipe } = renderToPipeableStream(createElement('p', null, name, createElement(Suspense, { fallback: '…' }, createElement(Order))), { onAllReady: () => pipe(output) });
  let text = '';
  for await (const chunk of output) text += chunk;
  return text.replace(/<!--.*?-->/g, '');
}

export const run = (names) => Promise.all(names.map((name) => user.run(name, page, name)));
