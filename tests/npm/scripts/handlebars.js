import Handlebars from 'handlebars';

Handlebars.registerHelper('shout', (text) => text.toUpperCase());
Handlebars.registerPartial('item', '<li>{{name}}{{#if last}}!{{/if}}</li>');
const template = Handlebars.compile('<h1>{{shout title}}</h1><ul>{{#each items}}{{> item last=@last}}{{else}}none{{/each}}</ul>{{{raw}}}');

export function run(values) {
  return template(values);
}
