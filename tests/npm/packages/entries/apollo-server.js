import { ApolloServer } from '@apollo/server';
const s = new ApolloServer({ typeDefs: 'type Query { hi: String }', resolvers: { Query: { hi: () => 'yo' } } });
export async function main() {
  const r = await s.executeOperation({ query: '{ hi }' });
  return JSON.parse(JSON.stringify(r.body.singleResult.data));
}
