import dayjs from 'dayjs';
import utc from 'dayjs/plugin/utc.js';
import tz from 'dayjs/plugin/timezone.js';
dayjs.extend(utc);
dayjs.extend(tz);
export const main = () => [
  dayjs.tz('2024-06-01 12:00', 'America/New_York').toISOString(),
  dayjs.utc(0).tz('Asia/Tokyo').format(),
  dayjs.utc('2026-07-15T12:00').tz('America/Mexico_City').format(),
];
