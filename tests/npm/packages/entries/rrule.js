import { RRule, rrulestr } from 'rrule';
export const main = () => [
  new RRule({ freq: RRule.WEEKLY, count: 3, byweekday: [RRule.MO], dtstart: new Date(Date.UTC(2024, 0, 1)) }).all(),
  rrulestr('DTSTART;TZID=America/New_York:20240301T090000\nRRULE:FREQ=DAILY;COUNT=2').all(),
  new RRule({ freq: RRule.DAILY, count: 2, dtstart: new Date(0) }).toText(),
];
