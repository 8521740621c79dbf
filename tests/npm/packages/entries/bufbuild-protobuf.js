import { create, toBinary, fromBinary, toJson, fromJson, createRegistry } from '@bufbuild/protobuf';
import { StructSchema, TimestampSchema, timestampFromDate, ValueSchema, DurationSchema } from '@bufbuild/protobuf/wkt';
export const main = () => {
  const s = fromJson(StructSchema, { a: 1, b: ['x', null, { c: true }] });
  const b = toBinary(StructSchema, s);
  const t = timestampFromDate(new Date(1500));
  return [[...b].length, toJson(StructSchema, fromBinary(StructSchema, b)), toJson(TimestampSchema, t), String(t.seconds)];
};
