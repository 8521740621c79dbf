import jexl from 'jexl';
jexl.addTransform('up', (s) => s.toUpperCase());
export async function main() {
  return [
    await jexl.eval('a.b[.x > 1].n|up + " " + (1 < 2 ? "y" : "n")', {
      a: {
        b: [
          { x: 1, n: 'p' },
          { x: 2, n: 'q' },
        ],
      },
    }),
    jexl.evalSync('2 ^ 10'),
  ];
}
