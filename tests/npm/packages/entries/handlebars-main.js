import H from 'handlebars';
const t = H.compile('{{#if x}}{{x}}{{/if}}');
export const main = () => t({ x: '<1>' });
