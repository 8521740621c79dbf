import { CronExpressionParser } from 'cron-parser';
export const main = () => {
  const i = CronExpressionParser.parse('30 2 * * *', { currentDate: '2024-03-09T12:00:00Z', tz: 'America/New_York' });
  return [i.next().toISOString(), i.next().toISOString(), i.next().toISOString()];
};
