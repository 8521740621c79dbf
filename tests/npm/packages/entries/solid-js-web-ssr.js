import { renderToString, ssr, escape, createComponent } from 'solid-js/web/dist/server.js';
import { createSignal } from 'solid-js/dist/server.js';
function A(p) {
  const [n] = createSignal(p.n);
  return ssr(['<li>', '</li>'], escape(n()));
}
export const main = () =>
  renderToString(() =>
    ssr(
      ['<ul>', '</ul>'],
      [1, 2].map((n) => createComponent(A, { n })),
    ),
  );
