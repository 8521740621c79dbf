import { PassThrough } from 'node:stream';
import winston from 'winston';

export async function run(message) {
  const stream = new PassThrough();
  const logger = winston.createLogger({ level: 'info', format: winston.format.combine(winston.format.splat(), winston.format.json()), transports: [new winston.transports.Stream({ stream })] });
  logger.debug('not shown');
  logger.child({ request: 7 }).info(message, 'Ada');
  logger.on('finish', () => stream.end());
  logger.end();
  const lines = [];
  for await (const line of stream) lines.push(JSON.parse(line));
  return lines;
}
