import { interval, take, map, toArray, firstValueFrom, from, mergeMap, delay, of } from 'rxjs';
export const main = () =>
  firstValueFrom(
    interval(1).pipe(
      take(3),
      mergeMap((x) => of(x * 2).pipe(delay(1))),
      toArray(),
    ),
  );
