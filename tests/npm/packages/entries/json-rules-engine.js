import { Engine } from 'json-rules-engine';
export async function main() {
  const e = new Engine();
  e.addRule({
    conditions: {
      all: [
        { fact: 'age', operator: 'greaterThan', value: 18 },
        { fact: 'acct', operator: 'equal', value: 1, path: '$.n' },
      ],
    },
    event: { type: 'ok', params: { m: 1 } },
  });
  e.addFact('acct', async () => ({ n: 1 }));
  const r = await e.run({ age: 20 });
  return r.events;
}
