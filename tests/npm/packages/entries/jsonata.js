import jsonata from 'jsonata';
export async function main() {
  return [
    await jsonata('$sum(items.(price * qty))').evaluate({
      items: [
        { price: 2, qty: 3 },
        { price: 1.5, qty: 2 },
      ],
    }),
    await jsonata("$fromMillis(0, '[Y]-[M01]-[D01]') & $base64encode('hi')").evaluate({}),
  ];
}
