import pug from 'pug';
export const main = () => pug.render('ul\n  each x in xs\n    li= x\n', { xs: ['a', '<'] });
