import React from 'react';
import { renderToString, renderToStaticMarkup } from 'react-dom/server';
const h = React.createElement;
const C = React.createContext('d');
function Item({ x }) {
  const c = React.useContext(C);
  const id = React.useId();
  const [n] = React.useState(() => x * 2);
  return h('li', { className: 'i', style: { color: 'red' }, id }, c, n);
}
export const main = () =>
  renderToString(
    h(
      C.Provider,
      { value: 'v' },
      h(
        'ul',
        null,
        [1, 2, 3].map((x) => h(Item, { key: x, x })),
      ),
    ),
  ) + renderToStaticMarkup(h('p', { dangerouslySetInnerHTML: { __html: '<b>' } }));
