import { DateTime, Duration, Interval } from 'luxon';

export function run(date) {
  const time = DateTime.fromISO(date, { zone: 'Europe/Berlin' });
  return [
    time.toISO(),
    time.setZone('America/New_York').toFormat('yyyy-MM-dd HH:mm ZZ'),
    time.plus({ months: 1 }).toISODate(),
    time.setLocale('de').toLocaleString(DateTime.DATE_HUGE),
    Interval.fromDateTimes(time, time.plus({ days: 3 })).length('hours'),
    Duration.fromObject({ hours: 1, minutes: 90 }).normalize().toISO(),
  ];
}
