import * as Babel from '@babel/standalone';
export const main = () => Babel.transform('const f = (x) => <a b={x}>c</a>', { presets: ['env', 'react'] }).code;
