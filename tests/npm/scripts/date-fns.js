import { addBusinessDays, differenceInCalendarDays, format, formatDistance, parse, startOfISOWeek } from 'date-fns';
import { de } from 'date-fns/locale';

export function run(text) {
  const date = parse(text, 'yyyy-MM-dd', new Date(0));
  return [
    format(date, "EEEE do 'of' MMMM yyyy"),
    format(date, 'PPPP', { locale: de }),
    format(addBusinessDays(date, 5), 'yyyy-MM-dd'),
    format(startOfISOWeek(date), 'yyyy-MM-dd'),
    differenceInCalendarDays(date, new Date(2024, 0, 1)),
    formatDistance(date, new Date(2024, 0, 1)),
  ];
}
