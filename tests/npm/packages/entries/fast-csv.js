import { parseString, writeToString } from 'fast-csv';
export async function main() {
  const rows = await new Promise((resolve, reject) => {
    const found = [];
    parseString('a,b\n1,"x, ""y"""\n2,ü\n', { headers: true }).on('error', reject).on('data', (row) => found.push(row)).on('end', () => resolve(found));
  });
  return [rows, await writeToString([{ a: 1, b: 'x,"y"' }], { headers: true })];
}
