import { PGlite } from '@electric-sql/pglite';
export async function main() {
  const db = new PGlite();
  return (await db.query('select 1 + 1 as x')).rows;
}
