import Papa from 'papaparse';

export function run(text) {
  const { data, errors, meta } = Papa.parse(text, { header: true, dynamicTyping: true, skipEmptyLines: true });
  return { data, errors: errors.map(({ code, row }) => ({ code, row })), fields: meta.fields, again: Papa.unparse(data) };
}
