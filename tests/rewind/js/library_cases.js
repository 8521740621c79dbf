// SPDX-License-Identifier: Apache-2.0
// A resident script that works with lodash, ajv, crypto-js and others from the preload. Each case is
// one use; its number is the argument of run().

const people = Array.from({ length: 200 }, (_, i) => ({ id: i, name: ['Ada', 'Grace', 'Edsger', 'Barbara', 'Donald'][i % 5] + i, age: (i * 37) % 90, tags: ['a', 'b', 'c'].slice(i % 3), address: { city: 'City' + (i % 7), zip: String(10000 + i) } }));

const schema = {
  type: 'object', required: ['id', 'name', 'age'], additionalProperties: false,
  properties: {
    id: { type: 'integer', minimum: 0 }, name: { type: 'string', pattern: '^[A-Z][a-z]+\\d*$' }, age: { type: 'number', maximum: 80 },
    tags: { type: 'array', items: { enum: ['a', 'b', 'c'] }, uniqueItems: true }, address: { $ref: '#/definitions/address' },
  },
  definitions: { address: { type: 'object', properties: { city: { type: 'string' }, zip: { type: 'string', maxLength: 5 } } } },
};
const ajv = new Ajv({ allErrors: true });
const validate = ajv.compile(schema);

const cases = [
  // lodash
  () => _.groupBy(people, (person) => Math.floor(person.age / 10)),
  () => _.orderBy(people, ['address.city', 'age'], ['asc', 'desc']).slice(0, 20),
  () => _.chain(people).filter((person) => person.age > 30).map('name').sortBy().take(9).value(),
  () => _.merge({ a: [{ b: 1 }], c: { d: 2 } }, { a: [{ e: 3 }], c: { f: [4] } }),
  () => _.cloneDeep({ map: new Map([['k', { a: 1 }]]), set: new Set([1]), date: new Date(0), expression: /x/g.source, array: new Uint8Array([1, 2]) }),
  () => _.isEqual(_.cloneDeep(people), people),
  () => _.template('<% _.forEach(users, (user) => { %><li><%- user %></li><% }) %>')({ users: ['a', '<b>'] }),
  () => _.uniqueId('id') + _.uniqueId('id'),
  () => { const once = _.memoize((n) => ({ n })); return [once(1) === once(1), once.cache.size]; },
  () => _.debounce(() => 1, 10).name,
  () => [_.camelCase('--foo-bar'), _.kebabCase('fooBar'), _.startCase('foo_bar'), _.deburr('déjà vu'), _.words('a, b & c').length, _.truncate('long text here', { length: 8 })],
  () => _.curry((a, b, c) => [a, b, c])(1)(2)(3),
  () => _.zipObjectDeep(['a.b[0].c', 'a.b[1].d'], [1, 2]),
  () => _.flattenDeep([1, [2, [3, [4]], 5]]).concat(_.chunk(_.range(10), 3).map(_.sum)),
  () => _.reduce(people, (sum, person) => sum + person.age, 0),
  () => { _.mixin({ planted: () => 'planted' }); return _.planted(); },
  () => typeof _.planted,
  () => { _.templateSettings.interpolate = /{{([\s\S]+?)}}/g; return _.template('hi {{ name }}')({ name: 'x' }); },
  () => _.template('hi {{ name }}')({ name: 'x' }),
  () => _.defaultsDeep({ a: { b: 2 } }, { a: { b: 1, c: 3 } }),
  () => _.pickBy(_.mapValues(_.keyBy(people.slice(0, 9), 'id'), 'age'), (age) => age % 2),
  () => _.invokeMap([[3, 1, 2], [9, 8]], 'sort'),
  () => _.get(null, 'a.b.c', 'nothing') + _.set({}, '__proto__.polluted', 1).polluted,
  () => _.sortedUniq(_.sortBy(people.map((person) => person.age))).length,
  // ajv
  () => people.filter((person) => validate(person)).length,
  () => (validate({ id: -1, name: 'lower', age: 99, tags: ['a', 'a', 'z'], extra: 1 }), validate.errors),
  () => (validate({}), ajv.errorsText(validate.errors)),
  () => new Ajv().compile({ type: 'array', items: { type: 'object', discriminator: undefined } })([1]),
  () => new Ajv().compile({ type: 'nonsense' }),
  () => { ajv.addSchema({ $id: 'extra', type: 'string' }); return ajv.getSchema('extra')('text'); },
  () => typeof ajv.getSchema('extra'),
  () => { const check = new Ajv({ coerceTypes: true, useDefaults: true }).compile({ type: 'object', properties: { n: { type: 'number' }, d: { default: 5 } } }); const value = { n: '12' }; return [check(value), value]; },
  () => new Ajv().validate({ oneOf: [{ type: 'string' }, { minimum: 5, type: 'number' }, { const: 7 }] }, 7),
  // crypto-js
  () => CryptoJS.SHA512('text').toString(),
  () => CryptoJS.MD5('x'.repeat(10000)).toString() + CryptoJS.RIPEMD160('y') + CryptoJS.SHA3('z'),
  () => CryptoJS.HmacSHA256('message', 'key').toString(CryptoJS.enc.Base64),
  () => CryptoJS.PBKDF2('password', 'salt', { keySize: 8, iterations: 200 }).toString(),
  () => CryptoJS.AES.encrypt('secret', CryptoJS.enc.Hex.parse('000102030405060708090a0b0c0d0e0f'), { iv: CryptoJS.enc.Hex.parse('101112131415161718191a1b1c1d1e1f') }).toString(),
  () => CryptoJS.AES.decrypt(CryptoJS.AES.encrypt('round trip', 'password').toString(), 'password').toString(CryptoJS.enc.Utf8),
  () => CryptoJS.TripleDES.encrypt('text', CryptoJS.enc.Utf8.parse('k'.repeat(24)), { mode: CryptoJS.mode.ECB }).toString(),
  () => CryptoJS.RC4.encrypt('text', CryptoJS.enc.Utf8.parse('key')).ciphertext.toString(),
  () => { const hash = CryptoJS.algo.SHA256.create(); for (const person of people) hash.update(person.name); return hash.finalize().toString(); },
  () => CryptoJS.enc.Utf8.parse('日本').toString(CryptoJS.enc.Hex),
  () => CryptoJS.AES.encrypt('x', undefined),
  // all together
  () => people.map((person) => CryptoJS.SHA1(JSON.stringify(_.pick(person, ['id', 'name']))).toString().slice(0, 6)).join(''),
  () => { people[0].name = 'changed'; people.length = 3; return people.length + people[0].name; },
  () => people.length + people[0].name,
  () => { throw Object.assign(new Error('from a library case'), { people: people.slice(0, 2) }); },
];

const count = () => cases.length;
const run = (number) => cases[number]();
