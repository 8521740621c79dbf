import { PDFDocument, StandardFonts, rgb } from 'pdf-lib';
export async function main() {
  const d = await PDFDocument.create();
  d.setCreationDate(new Date(0));
  d.setModificationDate(new Date(0));
  const f = await d.embedFont(StandardFonts.Helvetica);
  const p = d.addPage([200, 100]);
  p.drawText('Invoice 7', { x: 10, y: 50, size: 12, font: f, color: rgb(0, 0, 1) });
  const b = await d.save();
  const r = await PDFDocument.load(b);
  return [b.length, r.getPageCount(), f.widthOfTextAtSize('abc', 10)];
}
