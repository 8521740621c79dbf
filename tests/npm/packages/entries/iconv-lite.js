import iconv from 'iconv-lite';
export const main = () => [iconv.decode(new Uint8Array([0xe9, 0x80]), 'win1252'), [...iconv.encode('é', 'latin1')]];
