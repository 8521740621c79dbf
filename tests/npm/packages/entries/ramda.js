import * as R from 'ramda';
export const main = () =>
  R.pipe(
    R.groupBy((x) => x.t),
    R.map(R.pluck('v')),
  )([
    { t: 'a', v: 1 },
    { t: 'b', v: 2 },
    { t: 'a', v: 3 },
  ]);
