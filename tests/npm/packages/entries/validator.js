import v from 'validator';
export const main = () => [
  v.isEmail('a@b.example'),
  v.isIBAN('DE89370400440532013000'),
  v.isURL('http://x.example/?q'),
  v.escape('<a>'),
  v.isJWT('a.b.c'),
  v.isMobilePhone('+491711234567', 'de-DE'),
];
