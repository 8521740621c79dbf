import dayjs from 'dayjs';
import duration from 'dayjs/plugin/duration.js';
import relativeTime from 'dayjs/plugin/relativeTime.js';
import utc from 'dayjs/plugin/utc.js';

dayjs.extend(utc);
dayjs.extend(duration);
dayjs.extend(relativeTime);

export function run(date) {
  const day = dayjs.utc(date);
  return [
    day.format('dddd, D MMMM YYYY HH:mm:ss'),
    day.add(1, 'month').endOf('month').format('YYYY-MM-DD'),
    day.diff(dayjs.utc('2000-01-01'), 'day'),
    dayjs.duration({ hours: 30 }).humanize(),
    day.from(dayjs.utc('2024-03-04')),
  ];
}
