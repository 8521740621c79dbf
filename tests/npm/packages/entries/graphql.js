import { buildSchema, graphql, parse, validate } from 'graphql';
const s = buildSchema('type U { id: ID! name: String } type Query { u(id: ID!): U us: [U!]! }');
export async function main() {
  const root = { u: ({ id }) => ({ id, name: async () => 'n' + id }), us: () => [{ id: 1, name: 'a' }] };
  const r = await graphql({
    schema: s,
    source: 'query Q($i: ID!) { u(id:$i) { ...F } us { id } } fragment F on U { id name }',
    rootValue: root,
    variableValues: { i: '7' },
  });
  return [JSON.parse(JSON.stringify(r)), validate(s, parse('{ nope }')).map((e) => e.message)];
}
