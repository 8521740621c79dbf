import pg from 'pg';
export async function main() {
  const client = new pg.Client({ host: 'db.example', user: 'u', database: 'd' });
  const { types } = pg;
  return [
    client.escapeLiteral("it's \\ here"), client.escapeIdentifier('a"b'), types.getTypeParser(types.builtins.JSON)('{"a":[1]}'), types.getTypeParser(types.builtins.INT4)('42'),
    types.getTypeParser(types.builtins.TIMESTAMPTZ)('2024-01-02 03:04:05+00'), client.connectionParameters.host,
  ];
}
