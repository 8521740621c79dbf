import M from 'mustache';
export const main = () => M.render('{{#xs}}<{{n}}>{{/xs}}{{^no}}none{{/no}}', { xs: [{ n: 'a&b' }] });
