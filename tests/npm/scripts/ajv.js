import Ajv from 'ajv';

const validate = new Ajv({ allErrors: true }).compile({
  type: 'object',
  required: ['name', 'age'],
  additionalProperties: false,
  properties: { name: { type: 'string', minLength: 1 }, age: { type: 'integer', minimum: 0 }, mail: { type: 'string', pattern: '^[^@]+@[^@]+$' } },
});

export function run(values) {
  return values.map((value) => validate(value) || validate.errors.map((error) => `${error.instancePath} ${error.message}`));
}
