import moment from 'moment-timezone';
export const main = () => [
  moment.tz('2024-06-01 12:00', 'America/New_York').utc().format(),
  moment.tz(0, 'Asia/Kolkata').format('LLLL z'),
  moment.tz('2026-07-15', 'America/Mexico_City').format(),
  moment.tz.guess(),
];
