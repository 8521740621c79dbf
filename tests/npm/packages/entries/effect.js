import { Effect, Schedule, Duration, pipe } from 'effect';
export const main = () =>
  Effect.runPromise(
    Effect.gen(function* () {
      const a = yield* Effect.succeed(1);
      yield* Effect.sleep('5 millis');
      const xs = yield* Effect.all([Effect.succeed(2), Effect.promise(async () => 3)], { concurrency: 2 });
      return [a, xs];
    }),
  );
