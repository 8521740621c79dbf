import { minify } from 'html-minifier-terser';
export const main = () =>
  minify('<!doctype html> <p class="b  a">x  <b> y </b></p><style>a { color: red }</style><script>var a = 1 + 1;</script>', {
    collapseWhitespace: true, sortClassName: true, minifyCSS: true, minifyJS: true, removeComments: true,
  });
