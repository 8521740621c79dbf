import bcrypt from 'bcryptjs';
export async function main() {
  const h = bcrypt.hashSync('pw', '$2b$04$abcdefghijklmnopqrstuu');
  return [h, bcrypt.compareSync('pw', h), await bcrypt.compare('no', h), (await bcrypt.hash('x', 4)).length];
}
