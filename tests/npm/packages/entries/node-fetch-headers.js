import { Headers, Request, Response, FormData, Blob } from 'node-fetch';
export async function main() {
  const headers = new Headers([['A', '1'], ['a', '2']]);
  const response = new Response('hällo', { status: 201, headers });
  const form = new FormData();
  form.set('f', new Blob(['x']), 'f.txt');
  return [response.status, response.headers.get('a'), await response.text(), new Request('http://a.example/x?q=1', { method: 'POST', body: 'b' }).method, await form.get('f').text()];
}
