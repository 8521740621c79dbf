import L from 'json-logic-js';
export const main = () => [
  L.apply({ and: [{ '<': [{ var: 't' }, 110] }, { '==': [{ var: 'p.f' }, 'apple'] }] }, { t: 100, p: { f: 'apple' } }),
  L.apply({ map: [{ var: 'xs' }, { '*': [{ var: '' }, 2] }] }, { xs: [1, 2] }),
];
