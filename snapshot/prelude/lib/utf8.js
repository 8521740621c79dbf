// SPDX-License-Identifier: Apache-2.0
// UTF-8, as the Encoding Standard has it, for the short texts of URLs.

export function utf8Encode(string) {
  const bytes = [];
  for (let i = 0; i < string.length; ++i) {
    let c = string.codePointAt(i);
    if (c > 0xffff) ++i;
    else if (c >= 0xd800 && c <= 0xdfff) c = 0xfffd;
    if (c < 0x80) bytes.push(c);
    else if (c < 0x800) bytes.push(0xc0 | (c >> 6), 0x80 | (c & 63));
    else if (c < 0x10000) bytes.push(0xe0 | (c >> 12), 0x80 | ((c >> 6) & 63), 0x80 | (c & 63));
    else bytes.push(0xf0 | (c >> 18), 0x80 | ((c >> 12) & 63), 0x80 | ((c >> 6) & 63), 0x80 | (c & 63));
  }
  return new Uint8Array(bytes);
}

export function utf8DecodeWithoutBOM(bytes) {
  let text = '';
  let [point, needed, lower, upper] = [0, 0, 0x80, 0xbf];
  for (let i = 0; i < bytes.length; ++i) {
    const byte = bytes[i];
    if (needed > 0) {
      if (byte >= lower && byte <= upper) {
        [lower, upper] = [0x80, 0xbf];
        point = (point << 6) | (byte & 63);
        if (--needed === 0) text += String.fromCodePoint(point);
        continue;
      }
      [needed, lower, upper] = [0, 0x80, 0xbf];
      text += '\uFFFD';
    }
    if (byte < 0x80) text += String.fromCharCode(byte);
    else if (byte >= 0xc2 && byte <= 0xdf) [needed, point] = [1, byte & 31];
    else if (byte >= 0xe0 && byte <= 0xef) {
      [needed, point] = [2, byte & 15];
      if (byte === 0xe0) lower = 0xa0;
      if (byte === 0xed) upper = 0x9f;
    } else if (byte >= 0xf0 && byte <= 0xf4) {
      [needed, point] = [3, byte & 7];
      if (byte === 0xf0) lower = 0x90;
      if (byte === 0xf4) upper = 0x8f;
    } else text += '\uFFFD';
  }
  return needed > 0 ? `${text}\uFFFD` : text;
}
