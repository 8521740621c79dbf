import { ObjectId, MongoClient, Long, BSON } from 'mongodb';
export const main = () => {
  const client = new MongoClient('mongodb://u:p@a.example:27017,b.example/db?replicaSet=r&retryWrites=false', { serverSelectionTimeoutMS: 10 });
  const id = new ObjectId('65920080a0a0a0a0a0a0a0a0');
  const bytes = BSON.serialize({ id, n: Long.fromString('1234567890123456789'), d: new Date(0), s: 'ü', a: [1, null] });
  return [client.options.replicaSet, client.options.hosts.map(String), id.getTimestamp(), [...bytes], BSON.EJSON.stringify(BSON.deserialize(bytes, { promoteLongs: false }))];
};
