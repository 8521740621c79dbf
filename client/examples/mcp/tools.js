// SPDX-License-Identifier: Apache-2.0
// What an agent's script may do outside of its sandbox: a shop's data, which need a credential that stays in this process.
import { z } from 'zod';

const BACKEND = { token: process.env.SHOP_TOKEN ?? 'a-secret-token' };

/** Stands for a service: it answers who has the token. */
async function fetchFromBackend(token, table, matches) {
  if (token !== BACKEND.token) throw new Error('401');
  return TABLES[table].filter(matches);
}

const TABLES = {
  customers: [{ id: 1, name: 'Ada', city: 'London' }, { id: 2, name: 'Grace', city: 'New York' }, { id: 3, name: 'Alan', city: 'London' }],
  orders: Array.from({ length: 30 }, (_, n) => ({ id: 100 + n, customer: 1 + (n % 3), price: 10 + n, paid: n % 4 !== 0 })),
};

/** Each with the schema that its argument is checked against, and the declaration that the agent reads. */
export const TOOLS = {
  customers: {
    declaration: 'customers(filter: { city?: string }): Promise<{ id: number; name: string; city: string }[]>',
    input: z.strictObject({ city: z.string().optional() }),
    run: ({ city }) => fetchFromBackend(BACKEND.token, 'customers', (each) => city === undefined || each.city === city),
  },
  orders: {
    declaration: 'orders(filter: { customer: number }): Promise<{ id: number; customer: number; price: number; paid: boolean }[]>',
    input: z.strictObject({ customer: z.number().int() }),
    run: ({ customer }) => fetchFromBackend(BACKEND.token, 'orders', (each) => each.customer === customer),
  },
};
