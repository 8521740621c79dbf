import { jsPDF } from 'jspdf';
export const main = () => {
  const d = new jsPDF({ unit: 'pt' });
  d.setCreationDate(new Date(0));
  d.setFileId('0'.repeat(32));
  d.text('hello', 10, 20);
  d.addPage();
  return [d.getNumberOfPages(), d.output('arraybuffer').byteLength];
};
