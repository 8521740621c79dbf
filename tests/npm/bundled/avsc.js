import avro from 'avsc';

const type = avro.Type.forSchema({
  type: 'record', name: 'R', fields: [{ name: 'a', type: 'string' }, { name: 'n', type: ['null', 'long'], default: null }, { name: 'e', type: { type: 'enum', name: 'E', symbols: ['X', 'Y'] } }],
});

export function run(record) {
  const bytes = type.toBuffer(record);
  return [[...bytes], { ...type.fromBuffer(bytes) }, type.isValid({ a: 1 })];
}
