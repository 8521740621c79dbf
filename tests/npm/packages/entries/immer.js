import { produce, enableMapSet, enablePatches, produceWithPatches } from 'immer';
enableMapSet();
enablePatches();
export const main = () => {
  const [n, p] = produceWithPatches({ a: { b: [1] }, m: new Map() }, (d) => {
    d.a.b.push(2);
    d.m.set('k', 1);
  });
  return [n.a, p];
};
