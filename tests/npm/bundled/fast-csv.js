import { parseString, writeToString } from 'fast-csv';

export async function run(text) {
  const rows = await new Promise((resolve, reject) => {
    const found = [];
    parseString(text, { headers: true }).on('error', reject).on('data', (row) => found.push(row)).on('end', () => resolve(found));
  });
  return [rows, await writeToString(rows, { headers: true })];
}
