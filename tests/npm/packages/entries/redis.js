import { createClient, SchemaFieldTypes } from 'redis';
export async function main() {
  const client = createClient({ url: 'redis://u:p@cache.example:6380/2', socket: { reconnectStrategy: false } });
  const multi = client.multi();
  const outcome = await client.get('a').catch((error) => error.constructor.name);
  return [client.isOpen, typeof multi.set, typeof client.ft, outcome];
}
