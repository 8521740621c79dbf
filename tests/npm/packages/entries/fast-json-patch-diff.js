import * as jp from 'fast-json-patch';
import { diffWords, createPatch } from 'diff';
export const main = () => [
  jp.compare({ a: 1, b: [1] }, { a: 2, b: [1, 2] }),
  jp.applyPatch({ a: 1 }, [{ op: 'add', path: '/b', value: 2 }]).newDocument,
  diffWords('a b c', 'a x c').length,
  createPatch('f', 'a\n', 'b\n').split('\n').length,
];
