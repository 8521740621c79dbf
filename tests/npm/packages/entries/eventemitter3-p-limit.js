import EE from 'eventemitter3';
import pLimit from 'p-limit';
export async function main() {
  const e = new EE();
  const o = [];
  e.once('a', (x) => o.push(x));
  e.emit('a', 1);
  e.emit('a', 2);
  const l = pLimit(2);
  return [o, await Promise.all([1, 2, 3].map((x) => l(async () => x * 2)))];
}
