import { parse, tokenizer } from 'acorn';
export const main = () => parse('const f = async (x) => x ?? 1', { ecmaVersion: 2022 }).body[0].type;
