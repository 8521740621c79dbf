import { h, createContext } from 'preact';
import { useState, useContext, useMemo } from 'preact/hooks';
import render from 'preact-render-to-string';
const C = createContext(1);
function A({ n }) {
  const [s] = useState(n);
  const c = useContext(C);
  return h(
    'li',
    { class: 'x' },
    useMemo(() => s * c, [s]),
  );
}
export const main = () =>
  render(
    h(
      C.Provider,
      { value: 3 },
      h(
        'ul',
        null,
        [1, 2].map((n) => h(A, { n })),
      ),
    ),
  );
