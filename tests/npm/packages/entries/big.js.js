import B from 'big.js';
export const main = () => [new B('0.1').plus('0.2').toString(), new B(1).div(3).toFixed(25)];
