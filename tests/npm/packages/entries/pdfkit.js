import PDFDocument from 'pdfkit';
export async function main() {
  const document = new PDFDocument({ compress: true, info: { CreationDate: new Date(0) } });
  const chunks = [];
  document.on('data', (chunk) => chunks.push(chunk));
  const done = new Promise((resolve) => document.on('end', resolve));
  document.fontSize(20).text('Hello', 100, 100).rect(50, 50, 20, 20).fill('red');
  document.end();
  await done;
  const text = Buffer.concat(chunks).toString('latin1');
  return [text.startsWith('%PDF-1.3'), text.includes('/BaseFont /Helvetica'), text.includes('/FlateDecode'), document.widthOfString('Hello')];
}
