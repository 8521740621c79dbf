import nodemailer from 'nodemailer';

export async function run(text) {
  const transport = nodemailer.createTransport({ streamTransport: true, buffer: true, newline: 'unix' });
  const { envelope, message } = await transport.sendMail({ from: 'Ada <ada@a.example>', to: 'b@b.example', subject: 'Grüße', text, messageId: '<1@a.example>', date: new Date(0) });
  return [envelope, message.toString().split('\n')];
}
