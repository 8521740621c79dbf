import MD from 'markdown-it';
const md = new MD({ html: false, linkify: true, typographer: true });
export const main = () => md.render('# a\n\n- x\n- "q" http://a.example');
