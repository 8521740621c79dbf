import xpath from 'xpath';
import { DOMParser } from '@xmldom/xmldom';
export const main = () => {
  const document = new DOMParser().parseFromString('<a><b c="1">x</b><b c="2">y</b></a>', 'text/xml');
  return [xpath.select('//b[@c=2]/text()', document).map(String), xpath.select1('string(//b/@c)', document), xpath.select('count(//b)', document)];
};
