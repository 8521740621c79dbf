import { minify } from 'html-minifier-terser';

export const run = (page) => minify(page, { collapseWhitespace: true, removeComments: true, minifyCSS: true, minifyJS: true });
