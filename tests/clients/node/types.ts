// SPDX-License-Identifier: Apache-2.0
// What index.d.ts declares, as programs use it: compiled by tsc, never run. What is marked as an error has to be one.
import { Connection, connect, DeadlineExceeded, LetheError, Report, Retry, ScriptError, type Script } from 'lethe';

interface User {
  name: string;
}

interface Login {
  onLogin(user: User): { allowed: boolean };
  later(n: number): Promise<string>;
}

export async function use(signal: AbortSignal): Promise<void> {
  await using js: Connection = await connect({ private: true, connectTimeout: 100, retry: new Retry({ attempts: 2 }) });
  const n = await js.eval<number>('6 * 7', { deadline: 100, signal, globals: { x: 1 }, memoryMb: 16 });
  n.toFixed();

  const login: Script<Login> = js.script<Login>('acme/login', { source: '…', module: true, warmUp: [['onLogin', [{ name: 'Ada' }]]] });
  const { allowed } = await login.onLogin({ name: 'Ada' });
  const text: string = await login.with({ deadline: 50 }).later(1);
  // @ts-expect-error: no text
  await login.onLogin('Ada');
  // @ts-expect-error: no such function
  await login.onLogout();
  // @ts-expect-error: no such option
  await login.with({ dedline: 50 }).later(1);
  const anything = js.script('acme/other');
  await anything.whatever(1, 2);
  await anything.call<string>('with', [allowed, text]);

  const response: Response = await js.fetch('acme/site', new URL('https://a.example/'), { method: 'PUT', body: 'x', headers: { a: 'b' }, env: { n: 1 }, deadline: 100 });
  const { ok }: { ok: boolean } = await js.fetch(login, new Request('https://a.example/'));
  text.slice(ok ? 0 : response.status);
  await js.put('acme/common', '…', { commonjs: true, warmUp: [['default.fetch', [{ url: 'https://a.example/' }], { fetch: true }]] });

  js.host('db.get', async function (id: number) {
    return [id, this.signal.aborted];
  });
  js.host({ 'db.get': (id: number) => id, add: (a: number, b: number) => a + b });
  // @ts-expect-error: no function
  js.host('x', 1);

  const report = new Report();
  const { version } = await js.put('a', 'b', { warmUp: [['f', []]], signal });
  version.toFixed();
  try {
    await js.call('a', 'f', [1], { report, idempotent: true });
    await js.chain([['a', 'f'], ['a', 'g']], { x: 1 });
  } catch (error) {
    if (error instanceof ScriptError) error.properties['status'];
    else if (error instanceof DeadlineExceeded) error.phase === 'queued';
    else if (error instanceof LetheError) error.code.length;
  }
  report.console[0]?.text.length;
  report.stats.run_us?.toFixed();
  (await js.ping()).version.length;
  await js.close();
  // @ts-expect-error: connect() makes them
  new Connection();
}

/** Another policy is any object that has this. */
await connect({ retry: { delay: (error, attempt) => (error.code === 'overloaded' && attempt < 9 ? 10 : undefined) } });
