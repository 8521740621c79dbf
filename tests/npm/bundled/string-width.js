import stringWidth from 'string-width';

const emoji = new RegExp('^\\p{RGI_Emoji}$', 'v');

export const run = (texts) => texts.map((text) => [stringWidth(text), emoji.test(text), /^[\p{Letter}--[a-z]]+$/v.test(text)]);
