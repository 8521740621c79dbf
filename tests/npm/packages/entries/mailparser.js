import { simpleParser } from 'mailparser';
const mail = `From: =?utf-8?q?Ad=C3=A4?= <ada@a.example>
To: b@b.example
Subject: =?iso-8859-1?Q?Gr=FC=DFe?=
Date: Thu, 01 Jan 1970 00:00:00 +0000
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="x"

--x
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

h=C3=A4llo
--x
Content-Type: application/octet-stream; name="a.bin"
Content-Transfer-Encoding: base64
Content-Disposition: attachment; filename="a.bin"

AQIDBA==
--x--
`.replaceAll('\n', '\r\n');
export async function main() {
  const { subject, from, to, date, text, attachments } = await simpleParser(mail);
  return [subject, from.value, to.text, date, text, attachments.map(({ filename, size, checksum, content }) => [filename, size, checksum, [...content]])];
}
