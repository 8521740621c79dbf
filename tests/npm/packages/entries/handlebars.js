import H from 'handlebars/dist/handlebars.js';
H.registerHelper('up', (s) => s.toUpperCase());
const t = H.compile('{{#each xs}}{{@index}}:{{up n}} {{/each}}{{{raw}}}{{esc}}');
export const main = () => t({ xs: [{ n: 'a' }, { n: 'b' }], raw: '<b>', esc: '<i>' });
