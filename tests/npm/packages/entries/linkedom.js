import { parseHTML, DOMParser } from 'linkedom';
export const main = () => {
  const { document } = parseHTML('<html><body><p class=a>x</p></body></html>');
  document.querySelector('p.a').insertAdjacentHTML('beforeend', '<b>y</b>');
  return [document.body.innerHTML, new DOMParser().parseFromString('<a><b/></a>', 'text/xml').documentElement.outerHTML];
};
