import nunjucks from 'nunjucks';
export const main = () => nunjucks.renderString('{{ a }}', { a: '<' });
