import initSqlJs from 'sql.js/dist/sql-wasm.js';
import wasm from 'sql.js/dist/sql-wasm.wasm';
export async function main() {
  const SQL = await initSqlJs({ wasmBinary: wasm });
  const db = new SQL.Database();
  db.run("create table t(a, b); insert into t values (1,'x'),(2,'y')");
  const r = db.exec("select sum(a), group_concat(b), json_object('k', 1), date('2024-01-31','+1 month') from t");
  db.close();
  return r;
}
