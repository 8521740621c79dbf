import * as t from 'io-ts';
import { PathReporter } from 'io-ts/PathReporter';
const U = t.type({ a: t.number, b: t.array(t.string) });
export const main = () => [U.decode({ a: 1, b: ['x'] })._tag, PathReporter.report(U.decode({ a: '1', b: [1] }))];
