import o from 'object-path';
export const main = () => {
  const x = {};
  o.set(x, 'a.b.0.c', 1);
  return [x, o.get(x, 'a.b.0.c'), o.has(x, 'q')];
};
