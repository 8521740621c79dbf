import avro from 'avsc';
export const main = () => {
  const t = avro.Type.forSchema({
    type: 'record',
    name: 'R',
    fields: [
      { name: 'a', type: 'string' },
      { name: 'n', type: ['null', 'long'], default: null },
      { name: 'e', type: { type: 'enum', name: 'E', symbols: ['X', 'Y'] } },
    ],
  });
  const b = t.toBuffer({ a: 'hé', n: 5, e: 'Y' });
  return [[...b], JSON.stringify(t.fromBuffer(b)), t.isValid({ a: 1 })];
};
