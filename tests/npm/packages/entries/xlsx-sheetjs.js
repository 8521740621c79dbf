import * as XLSX from 'xlsx';
export const main = () => {
  const wb = XLSX.utils.book_new();
  XLSX.utils.book_append_sheet(
    wb,
    XLSX.utils.aoa_to_sheet([
      ['n', 'd'],
      [1, new Date(Date.UTC(2024, 0, 2))],
    ]),
    'S',
  );
  const b = XLSX.write(wb, { type: 'array', bookType: 'xlsx', compression: true });
  const r = XLSX.read(b, { type: 'array' });
  return [XLSX.utils.sheet_to_json(r.Sheets.S), b.byteLength > 4000];
};
