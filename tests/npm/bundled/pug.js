import pug from 'pug';

const page = pug.compile('ul\n  each item in items\n    li(class=item.kind)= item.name\np!= raw\n');

export const run = (items) => page({ items, raw: '<hr>' });
