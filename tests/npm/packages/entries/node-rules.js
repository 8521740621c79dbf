import { RuleEngine } from 'node-rules';
export async function main() {
  const R = new RuleEngine();
  R.register({
    condition(R) {
      R.when(this.amount > 100);
    },
    consequence(R) {
      this.result = false;
      R.stop();
    },
  });
  return await new Promise((r) => R.execute({ amount: 200 }, (d) => r(d.result)));
}
