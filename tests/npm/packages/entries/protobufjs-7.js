import protobuf from 'protobufjs7';
const root = protobuf.parse(
  'syntax = "proto3"; message M { string s = 1; int64 n = 2; repeated double d = 3; map<string,int32> m = 4; bytes b = 5; oneof o { bool t = 6; string u = 7; } }',
).root;
const M = root.lookupType('M');
export const main = () => {
  const b = M.encode(M.create({ s: 'hé', n: 5, d: [1.5, 2], m: { k: 3 }, b: new Uint8Array([1, 2]), u: 'x' })).finish();
  return [[...b], M.toObject(M.decode(b), { longs: String, bytes: String, oneofs: true })];
};
