import Ajv from 'ajv';
import addFormats from 'ajv-formats';
const ajv = new Ajv({ allErrors: true, coerceTypes: true });
addFormats(ajv);
const v = ajv.compile({
  type: 'object',
  required: ['id', 'when'],
  properties: {
    id: { type: 'integer' },
    when: { type: 'string', format: 'date-time' },
    mail: { type: 'string', format: 'email' },
    t: { enum: ['a', 'b'] },
  },
  additionalProperties: false,
});
export function main() {
  const a = v({ id: '7', when: '2024-01-01T00:00:00Z', mail: 'a@b.example', t: 'a' });
  const b = v({ id: 'x', when: 'no', z: 1 });
  return [a, b, v.errors.map((e) => e.instancePath + ' ' + e.message)];
}
