import avro from 'avsc/etc/browser/avsc-types.js';
export const main = () => {
  const t = avro.Type.forSchema({
    type: 'record',
    name: 'R',
    fields: [
      { name: 'a', type: 'string' },
      { name: 'e', type: { type: 'enum', name: 'E', symbols: ['X', 'Y'] } },
    ],
  });
  const b = t.toBuffer({ a: 'hé', e: 'Y' });
  return [[...b], JSON.stringify(t.fromBuffer(b))];
};
