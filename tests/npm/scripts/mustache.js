import Mustache from 'mustache';

export function run(view) {
  return Mustache.render('{{title}}: {{#items}}{{name}}={{value}};{{/items}}{{^items}}none{{/items}} {{{raw}}} {{> partial}}', view, { partial: '[{{title}}]' });
}
