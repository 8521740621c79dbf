import Prism from 'prismjs';
export const main = () => Prism.highlight('const a = 1', Prism.languages.javascript, 'javascript');
