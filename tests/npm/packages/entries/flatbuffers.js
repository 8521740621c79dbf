import * as fb from 'flatbuffers';
export const main = () => {
  const b = new fb.Builder(16);
  const s = b.createString('hé');
  b.startObject(2);
  b.addFieldOffset(0, s, 0);
  b.addFieldInt32(1, 7, 0);
  b.finish(b.endObject());
  const u = b.asUint8Array();
  const bb = new fb.ByteBuffer(u);
  const p = bb.readInt32(bb.position()) + bb.position();
  const o = bb.__offset(p, 4);
  return [[...u], bb.__string(p + o)];
};
