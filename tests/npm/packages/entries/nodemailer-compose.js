import nodemailer from 'nodemailer';
export async function main() {
  const transport = nodemailer.createTransport({ streamTransport: true, buffer: true, newline: 'unix' });
  const { message, envelope } = await transport.sendMail({
    from: 'Ada <ada@a.example>', to: 'b@b.example', subject: 'Grüße', text: 'hällo', html: '<b>hällo</b>', messageId: '<1@a.example>', date: new Date(0), baseBoundary: 'x',
    attachments: [{ filename: 'a.txt', content: 'attached' }], boundaryPrefix: '--',
  });
  return [envelope, message.toString().replace(/_NmP-[^"\n]*|--\w+-Part_\d/g, 'B').split('\n').filter((line) => !/boundary|^--/.test(line))];
}
