// SPDX-License-Identifier: Apache-2.0
// Requests and responses of the Fetch API as the maps that a call with the option "fetch" has.

/** What the daemon gets. Rejects with TypeError for what is no request. */
export async function asMap(input, init) {
  const request = new Request(input, init.body instanceof ReadableStream ? { ...init, duplex: 'half' } : init);
  const { url, method, redirect } = request;
  const body = request.body === null ? null : new Uint8Array(await request.arrayBuffer());
  return { url, method, headers: [...request.headers], body, redirect };
}

export function toResponse({ status, statusText, headers, body }) {
  return new Response(body, { status, statusText, headers });
}
