import { parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
export const main = () => [parse('a;b\n1;"x""y"', { columns: true, delimiter: ';', cast: true }), stringify([[1, 'a,b']])];
