import nunjucks from 'nunjucks/browser/nunjucks.js';
const env = new nunjucks.Environment(null, { autoescape: true });
env.addFilter('x2', (n) => n * 2);
export const main = () =>
  env.renderString('{% for i in xs %}{{ loop.index }}={{ i | x2 }};{% endfor %}{{ h }}', { xs: [1, 2], h: '<b>' });
