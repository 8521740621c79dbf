import { firstValueFrom, from, interval, lastValueFrom, of } from 'rxjs';
import { bufferCount, catchError, debounceTime, filter, map, mergeMap, reduce, retry, scan, take, toArray } from 'rxjs/operators';

export async function run(values) {
  const sums = await firstValueFrom(from(values).pipe(filter((value) => value % 2 === 1), scan((sum, value) => sum + value, 0), toArray()));
  const parts = await lastValueFrom(from(values).pipe(bufferCount(2), mergeMap(async (part) => part.join('+')), reduce((all, part) => [...all, part], [])));
  let attempts = 0;
  const failed = await lastValueFrom(
    of(1).pipe(
      map(() => {
        ++attempts;
        throw new Error('always');
      }),
      retry(2),
      catchError((error) => of(`${error.message} after ${attempts}`)),
    ),
  );
  const ticks = await lastValueFrom(interval(2).pipe(take(3), toArray()));
  const last = await lastValueFrom(from(values).pipe(debounceTime(5)));
  return { sums, parts, failed, ticks, last };
}
