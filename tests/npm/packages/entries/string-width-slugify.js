import w from 'string-width';
import slugify from 'slugify';
export const main = () => [w('日本a\u001b[31mx'), slugify('Ä b & c', { lower: true })];
