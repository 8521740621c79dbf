import { Jimp } from 'jimp';
export async function main() {
  const i = new Jimp({ width: 4, height: 4, color: 0xff0000ff });
  i.resize({ w: 2, h: 2 });
  const b = await i.getBuffer('image/png');
  const r = await Jimp.read(b);
  return [r.bitmap.width, r.getPixelColor(0, 0)];
}
