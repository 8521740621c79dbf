import Papa from 'papaparse';
export const main = () => [
  Papa.parse('a,b\n1,"x, ""y"""\n2,', { header: true, dynamicTyping: true }).data,
  Papa.unparse([{ a: 1, b: 'x,y' }]),
];
