import pino from 'pino';
export const main = () => {
  const l = pino({ level: 'info', browser: { write() {} } });
  l.child({ a: 1 }).info({ b: 2 }, 'x');
  return typeof l.info;
};
