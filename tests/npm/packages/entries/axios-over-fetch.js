import axios from 'axios';
export async function main() {
  const r = await axios.get('http://a.example/x', {
    adapter: 'fetch',
    fetchOptions: {},
    env: { fetch: async (u) => new Response(JSON.stringify({ ok: 1 }), { headers: { 'content-type': 'application/json' } }) },
  });
  return r.data;
}
