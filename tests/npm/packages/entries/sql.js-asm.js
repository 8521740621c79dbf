import initSqlJs from 'sql.js/dist/sql-asm.js';
export async function main() {
  const SQL = await initSqlJs();
  const db = new SQL.Database();
  db.run("create table t(a, b); insert into t values (1,'x'),(2,'y')");
  const r = db.exec('select sum(a), group_concat(b) from t');
  db.close();
  return r;
}
