// SPDX-License-Identifier: Apache-2.0
// What client/types/lethe.d.ts declares, used: must compile, and give `true` for each when it runs.
/// <reference path="../../client/types/lethe.d.ts" />
/// <reference path="../../client/types/lethe-url-pattern.d.ts" />

export async function run(): Promise<Record<string, boolean>> {
  const doubled: number = await host.call<number>('double', 21);
  const answer: LetheFetchAnswer = { status: 200, headers: { a: 'b' }, body: new Uint8Array(1) };
  const handler: ExportedHandler<{ key: string }> = {
    fetch(request, env, ctx) {
      ctx.waitUntil(Promise.resolve());
      ctx.passThroughOnException();
      return new Response(`${request.method} ${env.key}`);
    },
  };
  const context: ExecutionContext = { waitUntil: (promise) => void promise, passThroughOnException() {} };
  const handled = await handler.fetch?.(new Request('https://a.example/'), { key: 'k' }, context);
  const immediate: string = await new Promise<string>((resolve) => setImmediate((text: string) => resolve(text), 'now'));
  clearImmediate(setImmediate(() => {}));
  const { promise, resolve } = Promise.withResolvers<number>();
  resolve(7);
  const view = new DataView(new ArrayBuffer(2));
  view.setFloat16(0, 1.5);
  const target = new Uint8Array(2);
  const match = new URLPattern({ pathname: '/users/:id' }).exec('https://a.example/users/7');
  const chunks: number[] = [];
  for await (const chunk of new ReadableStream<number>({ start: (c) => { c.enqueue(1); c.close(); } })) chunks.push(chunk);
  const later: number[] = await Array.fromAsync([Promise.resolve(1), 2]);
  const signal: AbortSignal = AbortSignal.any([AbortSignal.timeout(1000)]);
  const disposed: string[] = [];
  {
    using stack = new DisposableStack();
    stack.defer(() => disposed.push('stack'));
    await using resource = { [Symbol.asyncDispose]: async () => void disposed.push('resource') };
    void resource;
  }
  const pairs: [number, string][] = Iterator.zip<[number, string]>([[1, 2], ['a', 'b']]).toArray();
  const keyed: { n: number }[] = Iterator.zipKeyed({ n: [1, 2] }).toArray();
  return {
    host: doubled === 42 && answer.status === 200,
    handler: (await handled?.text()) === 'GET k',
    immediate: immediate === 'now',
    url: import.meta.url === 'lethe:/types' && import.meta.resolve('./x') === 'lethe:/x',
    withResolvers: (await promise) === 7 && (await Promise.try((n: number) => n, 1)) === 1,
    maps: new Map<string, number>().getOrInsert('a', 1) === 1 && new WeakMap<object, number>().getOrInsertComputed({}, () => 2) === 2,
    groups: Object.groupBy([1, 2], (n) => (n % 2 ? 'odd' : 'even')).odd?.[0] === 1 && Map.groupBy([1], (n) => n).get(1)?.length === 1,
    iterators: Iterator.from([1, 2, 3]).filter((n) => n > 1).map((n) => n * 2).toArray().join() === '4,6' && [...Iterator.concat([1], new Set([2]))].length === 2,
    zips: pairs[1]?.[1] === 'b' && keyed[1]?.n === 2 && [1, 2, 3].values().chunks(2).map((chunk) => chunk.length).join() === '2,1',
    windows: [...[1, 2].values().windows(2)].length === 1 && [1].values().includes(1),
    disposal: disposed.join() === 'resource,stack' && new SuppressedError(1, 2).suppressed === 2,
    sets: new Set([1, 2]).union(new Set([3])).size === 3,
    math: Math.sumPrecise([0.1, 0.2]) > 0.3 && Math.f16round(1.5) === 1.5 && view.getFloat16(0) === 1.5,
    bytes: Uint8Array.fromBase64('AQI=').toHex() === '0102' && target.setFromHex('ff').written === 1 && target.toBase64({ omitPadding: true }) === '/wA',
    text: RegExp.escape('.') === '\\.' && 'a'.isWellFormed() && Error.isError(new Error()),
    arrays: [2, 1].toSorted()[0] === 1 && later.length === 2 && new ArrayBuffer(1).transfer(2).byteLength === 2,
    pattern: match?.pathname.groups.id === '7',
    quota: new QuotaExceededError('m', { quota: 1 }).quota === 1 && new QuotaExceededError() instanceof DOMException,
    streams: chunks.length === 1 && !signal.aborted,
    clone: structuredClone({ a: 1n }).a === 1n,
    crypto: (await crypto.subtle.digest('SHA-256', new TextEncoder().encode('x'))).byteLength === 32 && crypto.randomUUID().length === 36,
  };
}

export function wrong(): void {
  // @ts-expect-error: the name is a string
  void host.call(1);
  // @ts-expect-error: it is frozen
  host.call = async () => 1 as never;
  // @ts-expect-error: that of Node.js must be asked for
  void process.version;
}
