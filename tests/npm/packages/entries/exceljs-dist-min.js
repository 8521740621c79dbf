import ExcelJS from 'exceljs/dist/exceljs.min.js';
export async function main() {
  const wb = new ExcelJS.Workbook();
  const s = wb.addWorksheet('S');
  s.addRow(['n', 1]);
  const b = await wb.xlsx.writeBuffer();
  const r = new ExcelJS.Workbook();
  await r.xlsx.load(b);
  return [r.getWorksheet('S').getRow(1).values, b.byteLength > 4000];
}
