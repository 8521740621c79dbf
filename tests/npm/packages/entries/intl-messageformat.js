import { IntlMessageFormat } from 'intl-messageformat';
export const main = () => [
  new IntlMessageFormat(
    '{n, plural, one {# item} other {# items}} on {d, date, long} {p, number, ::currency/EUR}',
    'en',
  ).format({ n: 2, d: new Date(0), p: 1234.5 }),
  new IntlMessageFormat('{n, selectordinal, one {#st} two {#nd} few {#rd} other {#th}}', 'en').format({ n: 22 }),
];
