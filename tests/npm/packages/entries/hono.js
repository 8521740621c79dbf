import { Hono } from 'hono';
const app = new Hono();
app.get('/u/:id', (c) => c.json({ id: c.req.param('id'), q: c.req.query('q') }));
app.post('/f', async (c) => c.text((await c.req.formData()).get('a')));
export async function main() {
  const r = await app.request('/u/7?q=x');
  const f = new FormData();
  f.set('a', 'é');
  const p = await app.request('/f', { method: 'POST', body: f });
  return [r.status, await r.json(), await p.text(), (await app.request('/no')).status];
}
