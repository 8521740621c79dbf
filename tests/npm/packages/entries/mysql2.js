import mysql from 'mysql2';
export const main = () => [
  mysql.format('select * from ?? where a = ? and b in (?) and c = ?', ['t.x', "it's", [1, 'b'], null]),
  mysql.escape(new Date(0), false, 'Z'), mysql.escapeId('a`b'), mysql.escape({ a: 1, b: 'x' }), mysql.raw('now()').toSqlString(),
];
