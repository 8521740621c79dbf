function greet(name, times = 1) {
  return Array(times).fill(`Hello ${name}!`).join(' ');
}

async function order(id) {
  const customer = await host.call('customer', id);
  return `Order ${id} is for ${customer.name}, ${customer.city}.`;
}
