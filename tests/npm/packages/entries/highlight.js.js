import hljs from 'highlight.js';
export const main = () => hljs.highlight('const a = 1 // x', { language: 'javascript' }).value;
