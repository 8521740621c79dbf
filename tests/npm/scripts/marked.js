import { marked } from 'marked';

export function run(text) {
  return marked.parse(text, { gfm: true });
}
