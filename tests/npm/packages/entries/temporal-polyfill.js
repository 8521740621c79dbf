import { Temporal } from 'temporal-polyfill';
export const main = () => [
  Temporal.ZonedDateTime.from('2024-03-10T02:30[America/New_York]').toString(),
  Temporal.PlainDate.from('2024-02-29').add({ years: 1 }).toString(),
  Temporal.Instant.from('2026-07-15T12:00Z').toZonedDateTimeISO('America/Mexico_City').toString(),
  Temporal.Duration.from('PT36H').round({ largestUnit: 'day' }).toString(),
  Temporal.PlainDate.from('2024-09-01').toLocaleString('en-CA'),
  Temporal.Now.timeZoneId(),
];
