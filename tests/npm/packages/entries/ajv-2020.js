import Ajv from 'ajv/dist/2020.js';
const v = new Ajv().compile({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  prefixItems: [{ type: 'number' }],
  unevaluatedItems: false,
});
export const main = () => [v([1]), v([1, 2]), v.errors.map((e) => e.keyword)];
