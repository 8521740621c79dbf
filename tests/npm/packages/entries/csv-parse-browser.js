import { parse } from 'csv-parse/browser/esm/sync';
export const main = () => parse('a,b\n1,"x""y"', { columns: true, cast: true });
