// W2: checks an order, groups and sums what is in it, signs and encrypts the outcome. Follows the bundle
// of tests/npm/libraries.js: ajv, lodash and crypto-js.
const validate = new Ajv().compile({
  type: 'object',
  required: ['id', 'items'],
  additionalProperties: false,
  properties: {
    id: {type: 'string', minLength: 1},
    items: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        required: ['name', 'kind', 'price'],
        properties: {
          name: {type: 'string'},
          kind: {enum: ['book', 'music', 'tool']},
          price: {type: 'integer', minimum: 0},
        },
      },
    },
  },
});
const key = CryptoJS.enc.Hex.parse('000102030405060708090a0b0c0d0e0f');
const iv = CryptoJS.enc.Hex.parse('0f0e0d0c0b0a09080706050403020100');

function order(value) {
  if (!validate(value)) throw new Error(validate.errors[0].message);
  const kinds = _.groupBy(_.sortBy(value.items, 'name'), 'kind');
  const sums = _.mapValues(kinds, (items) => ({names: _.map(items, 'name'), sum: _.sumBy(items, 'price')}));
  const text = JSON.stringify({id: value.id, sums});
  return {
    sums,
    signature: CryptoJS.HmacSHA256(text, 'secret').toString(),
    sealed: CryptoJS.AES.encrypt(text, key, {iv}).toString(),
  };
}
