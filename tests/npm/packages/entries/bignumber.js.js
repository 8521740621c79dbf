import B from 'bignumber.js';
export const main = () => [new B('0.1').plus('0.2').toString(), new B(2).pow(200).toFormat()];
