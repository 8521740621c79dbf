import s from 'sanitize-html';
export const main = () =>
  s('<a href="javascript:1" onclick=1>x</a><p style="color:red;foo:1">y</p>', {
    allowedAttributes: { p: ['style'], a: ['href'] },
    allowedStyles: { '*': { color: [/^red$/] } },
  });
