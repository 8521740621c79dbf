import { Temporal, Intl } from '@js-temporal/polyfill';
export const main = () => [
  Temporal.ZonedDateTime.from('2024-03-10T02:30[America/New_York]').toString(),
  Temporal.PlainDate.from('2024-02-29[u-ca=hebrew]').toString(),
  Temporal.Now.timeZoneId(),
];
