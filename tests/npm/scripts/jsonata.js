import jsonata from 'jsonata';

const expression = jsonata('Account.Order.Product{ProductName: $sum($.(Price * Quantity))}');

export async function run(data) {
  const counted = await jsonata('$count(Account.Order.Product[Price > 20])').evaluate(data);
  return [await expression.evaluate(data), counted];
}
