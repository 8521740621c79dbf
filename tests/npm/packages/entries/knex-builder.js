import knex from 'knex';
export const main = () => {
  const k = knex({ client: 'pg' });
  return [
    k('users as u').select('u.id', k.raw('count(*) as n')).leftJoin('orders as o', 'o.user', 'u.id').where({ 'u.kind': 'a' }).whereIn('o.id', [1, 2]).groupBy('u.id').toString(),
    k('t').insert([{ a: 1 }, { a: "x'y" }]).onConflict('a').merge().toSQL().toNative(),
    knex({ client: 'mysql2' }).schema.createTable('t', (t) => { t.increments(); t.string('name').notNullable(); }).toString(),
  ];
};
