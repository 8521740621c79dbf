import p from 'libphonenumber-js';
export const main = () => {
  const n = p('030 1234567', 'DE');
  return [n.number, n.formatInternational(), n.country, n.isValid()];
};
