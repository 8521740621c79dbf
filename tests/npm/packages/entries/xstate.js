import { createMachine, createActor, assign } from 'xstate';
const m = createMachine({
  id: 't',
  initial: 'a',
  context: { n: 0 },
  states: {
    a: { on: { GO: { target: 'b', actions: assign({ n: ({ context }) => context.n + 1 }) } } },
    b: { after: { 5: 'c' } },
    c: { type: 'final' },
  },
});
export const main = () =>
  new Promise((r) => {
    const a = createActor(m);
    a.subscribe({ complete: () => r([a.getSnapshot().value, a.getSnapshot().context]) });
    a.start();
    a.send({ type: 'GO' });
  });
