import * as chrono from 'chrono-node';
export const main = () =>
  chrono
    .parse('lunch next friday at 12:30 then June 3 2024 5pm PST', new Date('2024-05-01T00:00:00Z'))
    .map((r) => [r.text, r.start.date().toISOString()]);
