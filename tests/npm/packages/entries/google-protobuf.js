import jspb from 'google-protobuf';
export const main = () => {
  const w = new jspb.BinaryWriter();
  w.writeString(1, 'hé');
  w.writeInt64(2, 5);
  w.writeDouble(3, 1.5);
  const b = w.getResultBuffer();
  const r = new jspb.BinaryReader(b);
  const o = [];
  while (r.nextField()) {
    const f = r.getFieldNumber();
    o.push(f === 1 ? r.readString() : f === 2 ? r.readInt64() : r.readDouble());
  }
  return [[...b], o];
};
