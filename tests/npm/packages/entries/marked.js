import { marked } from 'marked';
export const main = () => marked('# a\n\n| a | b |\n|---|---|\n| 1 | 2 |');
