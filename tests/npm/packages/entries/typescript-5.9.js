import ts from 'ts5';
export const main = () => [
  ts.transpileModule('enum E { A = 1 } const x: E = E.A; export default x satisfies number', {
    compilerOptions: { module: 'esnext', target: 'es2020' },
  }).outputText,
];
