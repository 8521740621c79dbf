import { JSDOM } from 'jsdom';
export const main = () => new JSDOM('<p>a <b>c</b></p>').window.document.querySelector('b').textContent;
