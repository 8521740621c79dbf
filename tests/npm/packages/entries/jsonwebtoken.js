import jwt from 'jsonwebtoken';
export function main() {
  const t = jwt.sign({ sub: 'u', iat: 1700000000 }, 'secret', { algorithm: 'HS256' });
  return [t, jwt.verify(t, 'secret').sub];
}
