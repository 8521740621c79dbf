import NodeCache from 'node-cache';
export const main = () => {
  const cache = new NodeCache({ stdTTL: 100, checkperiod: 0 });
  const events = [];
  cache.on('set', (key) => events.push(key));
  cache.set('a', { b: [1] });
  return [cache.get('a'), cache.has('x'), cache.keys(), events, cache.getStats().hits];
};
