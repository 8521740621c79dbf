import { formatInTimeZone, fromZonedTime, getTimezoneOffset } from 'date-fns-tz';
export const main = () => [
  formatInTimeZone(new Date('2024-06-01T12:00Z'), 'America/New_York', 'yyyy-MM-dd HH:mm zzz'),
  fromZonedTime('2024-06-01 12:00', 'Asia/Tokyo').toISOString(),
  formatInTimeZone(new Date('2026-07-15T12:00Z'), 'America/Mexico_City', 'HH:mm xxx'),
];
