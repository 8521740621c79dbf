import { DateTime, Interval } from 'luxon';
export const main = () => [
  DateTime.fromISO('2024-03-10T02:30', { zone: 'America/New_York' }).toISO(),
  DateTime.fromMillis(0, { zone: 'Europe/Berlin' }).setLocale('de').toLocaleString(DateTime.DATETIME_FULL),
  DateTime.fromISO('2026-07-15T12:00Z').setZone('America/Mexico_City').toISO(),
  DateTime.fromISO('2024-06-01T12:00Z').setZone('Asia/Almaty').toISO(),
];
