import DOMPurify from 'isomorphic-dompurify';
export const main = () => DOMPurify.sanitize('<img src=x onerror=alert(1)><b>x</b>');
