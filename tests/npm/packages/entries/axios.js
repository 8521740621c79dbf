import axios from 'axios';
export async function main() {
  const a = axios.create({
    adapter: async (c) => ({
      data: { u: axios.getUri(c), h: c.headers.get('X-A') },
      status: 200,
      statusText: 'OK',
      headers: {},
      config: c,
    }),
  });
  const r = await a.get('http://a.example/x', { params: { q: [1, 2] }, headers: { 'X-A': '1' } });
  return r.data;
}
