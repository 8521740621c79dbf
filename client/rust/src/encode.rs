// SPDX-License-Identifier: Apache-2.0
//! Values as MessagePack.
//!
//! rmp-serde is not used here: it writes integers of 128 bits as bytes, and its errors don't say where a value is that can't be sent.

use std::fmt;

use rmp::encode::{write_array_len, write_bin_len, write_map_len, write_str_len};
use serde::ser::{self, Serialize, Serializer};

use crate::error::{Error, Result};
use crate::value::Date;

/// The daemon closes a connection that sends what is nested more deeply, unless it is configured so.
pub(crate) const MAX_DEPTH: usize = 256;
/// The name under which a [`Date`] serializes its milliseconds.
pub(crate) const DATE: &str = "lethe::Date";

/// Appends the value. If it can't be sent, `out` is as before.
pub(crate) fn append<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T, max_depth: usize) -> Result<()> {
    let before = out.len();
    value.serialize(&mut Encoder { out, deeper: max_depth }).map_err(|refused| {
        out.truncate(before);
        let path: String = refused.path.iter().rev().map(String::as_str).collect();
        Error::invalid_value(refused.message, Some(format!("${path}")))
    })
}

/// A value that can't be sent, and the way to it, from its end.
#[derive(Debug)]
struct Refused {
    message: String,
    path: Vec<String>,
}

impl Refused {
    fn below(mut self, step: impl FnOnce() -> String) -> Refused {
        self.path.push(step());
        self
    }
}

impl ser::Error for Refused {
    fn custom<T: fmt::Display>(message: T) -> Refused {
        Refused { message: message.to_string(), path: Vec::new() }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refused {}

type Written = std::result::Result<(), Refused>;

fn refuse<T>(message: &str) -> std::result::Result<T, Refused> {
    Err(ser::Error::custom(message))
}

/// MessagePack has lengths of 32 bits.
fn length(count: usize) -> std::result::Result<u32, Refused> {
    u32::try_from(count).or_else(|_| refuse("it is longer than any message"))
}

struct Encoder<'a> {
    out: &'a mut Vec<u8>,
    /// How many levels the value may still have.
    deeper: usize,
}

/// An array or a map that has begun.
struct Compound<'a, 'b> {
    encoder: &'b mut Encoder<'a>,
    begin: usize,
    promised: Option<usize>,
    count: usize,
    /// Where a map's key is that has been written.
    key: usize,
    /// An enum's variant is a map of one entry, which is one more level.
    levels: usize,
}

impl<'a> Encoder<'a> {
    fn enter(&mut self, levels: usize) -> Written {
        match self.deeper.checked_sub(levels) {
            Some(deeper) => self.deeper = deeper,
            None => return refuse("the value is nested more deeply than a message may be"),
        }
        Ok(())
    }

    /// Begins an array or a map, which has five bytes for a length that isn't known before.
    fn begin<'b>(&'b mut self, array: bool, promised: Option<usize>) -> std::result::Result<Compound<'a, 'b>, Refused> {
        self.enter(1)?;
        let begin = self.out.len();
        match promised {
            Some(count) if array => drop(write_array_len(self.out, length(count)?)),
            Some(count) => drop(write_map_len(self.out, length(count)?)),
            None => self.out.extend_from_slice(&[if array { 0xdd } else { 0xdf }, 0, 0, 0, 0]),
        }
        Ok(Compound { encoder: self, begin, promised, count: 0, key: 0, levels: 1 })
    }

    fn begin_variant<'b>(&'b mut self, variant: &str, array: bool, count: usize) -> std::result::Result<Compound<'a, 'b>, Refused> {
        self.begin_entry(variant)?;
        let compound = self.begin(array, Some(count)).map_err(|refused| refused.below(|| format!(".{variant}")))?;
        Ok(Compound { levels: 2, ..compound })
    }

    /// A map of one entry whose value follows.
    fn begin_entry(&mut self, key: &str) -> Written {
        self.enter(1)?;
        self.out.push(0x81);
        self.serialize_str(key)
    }
}

impl Compound<'_, '_> {
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
        let index = self.count;
        self.count += 1;
        value.serialize(&mut *self.encoder).map_err(|refused| refused.below(|| format!("[{index}]")))
    }

    fn field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Written {
        self.count += 1;
        self.encoder.serialize_str(key)?;
        value.serialize(&mut *self.encoder).map_err(|refused| refused.below(|| format!(".{key}")))
    }

    fn finish(self) -> Written {
        self.encoder.deeper += self.levels;
        match self.promised {
            None => {
                let count = length(self.count)?.to_be_bytes();
                self.encoder.out[self.begin + 1..self.begin + 5].copy_from_slice(&count);
                Ok(())
            }
            Some(promised) if promised == self.count => Ok(()),
            Some(_) => refuse("it has more or fewer elements than its Serialize said"),
        }
    }
}

impl<'a, 'b> Serializer for &'b mut Encoder<'a> {
    type Ok = ();
    type Error = Refused;
    type SerializeSeq = Compound<'a, 'b>;
    type SerializeTuple = Compound<'a, 'b>;
    type SerializeTupleStruct = Compound<'a, 'b>;
    type SerializeTupleVariant = Compound<'a, 'b>;
    type SerializeMap = Compound<'a, 'b>;
    type SerializeStruct = Compound<'a, 'b>;
    type SerializeStructVariant = Compound<'a, 'b>;

    fn serialize_bool(self, value: bool) -> Written {
        self.out.push(if value { 0xc3 } else { 0xc2 });
        Ok(())
    }
    fn serialize_i8(self, value: i8) -> Written {
        self.serialize_i64(value.into())
    }
    fn serialize_i16(self, value: i16) -> Written {
        self.serialize_i64(value.into())
    }
    fn serialize_i32(self, value: i32) -> Written {
        self.serialize_i64(value.into())
    }
    fn serialize_i64(self, value: i64) -> Written {
        drop(rmp::encode::write_sint(self.out, value)); // a Vec always takes it
        Ok(())
    }
    fn serialize_i128(self, value: i128) -> Written {
        match (i64::try_from(value), u64::try_from(value)) {
            (Ok(value), _) => self.serialize_i64(value),
            (_, Ok(value)) => self.serialize_u64(value),
            _ => refuse("an integer beyond 64 bits can't be sent: give its text, and take it as BigInt(text) in the script"),
        }
    }
    fn serialize_u8(self, value: u8) -> Written {
        self.serialize_u64(value.into())
    }
    fn serialize_u16(self, value: u16) -> Written {
        self.serialize_u64(value.into())
    }
    fn serialize_u32(self, value: u32) -> Written {
        self.serialize_u64(value.into())
    }
    fn serialize_u64(self, value: u64) -> Written {
        drop(rmp::encode::write_uint(self.out, value));
        Ok(())
    }
    fn serialize_u128(self, value: u128) -> Written {
        self.serialize_i128(value.try_into().unwrap_or(i128::MAX))
    }
    fn serialize_f32(self, value: f32) -> Written {
        self.serialize_f64(value.into())
    }
    fn serialize_f64(self, value: f64) -> Written {
        drop(rmp::encode::write_f64(self.out, value));
        Ok(())
    }
    fn serialize_char(self, value: char) -> Written {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }
    fn serialize_str(self, value: &str) -> Written {
        drop(write_str_len(self.out, length(value.len())?));
        self.out.extend_from_slice(value.as_bytes());
        Ok(())
    }
    fn serialize_bytes(self, value: &[u8]) -> Written {
        drop(write_bin_len(self.out, length(value.len())?));
        self.out.extend_from_slice(value);
        Ok(())
    }
    fn serialize_none(self) -> Written {
        self.serialize_unit()
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Written {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Written {
        self.out.push(0xc0);
        Ok(())
    }
    fn serialize_unit_struct(self, _: &'static str) -> Written {
        self.serialize_unit()
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Written {
        self.serialize_str(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Written {
        if name != DATE {
            return value.serialize(self);
        }
        let begin = self.out.len();
        value.serialize(&mut *self)?;
        let millis = rmp::decode::read_int(&mut &self.out[begin..]).unwrap_or(i64::MAX);
        self.out.truncate(begin);
        let written = Date::from_millis(millis).append_to(self.out);
        written.map_or_else(|| refuse("a Date is at most 8,640,000,000,000,000 milliseconds away from 1970"), Ok)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Written {
        self.begin_entry(variant)?;
        value.serialize(&mut *self).map_err(|refused| refused.below(|| format!(".{variant}")))?;
        self.deeper += 1;
        Ok(())
    }
    fn serialize_seq(self, count: Option<usize>) -> std::result::Result<Compound<'a, 'b>, Refused> {
        self.begin(true, count)
    }
    fn serialize_tuple(self, count: usize) -> std::result::Result<Compound<'a, 'b>, Refused> {
        self.begin(true, Some(count))
    }
    fn serialize_tuple_struct(self, _: &'static str, count: usize) -> std::result::Result<Compound<'a, 'b>, Refused> {
        self.begin(true, Some(count))
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        count: usize,
    ) -> std::result::Result<Compound<'a, 'b>, Refused> {
        self.begin_variant(variant, true, count)
    }
    fn serialize_map(self, count: Option<usize>) -> std::result::Result<Compound<'a, 'b>, Refused> {
        self.begin(false, count)
    }
    fn serialize_struct(self, _: &'static str, count: usize) -> std::result::Result<Compound<'a, 'b>, Refused> {
        self.begin(false, Some(count))
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        count: usize,
    ) -> std::result::Result<Compound<'a, 'b>, Refused> {
        self.begin_variant(variant, false, count)
    }
}

macro_rules! elements {
    ($($of:ident::$function:ident),*) => {$(
        impl ser::$of for Compound<'_, '_> {
            type Ok = ();
            type Error = Refused;

            fn $function<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
                self.element(value)
            }
            fn end(self) -> Written {
                self.finish()
            }
        }
    )*};
}
elements!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

macro_rules! fields {
    ($($of:ident),*) => {$(
        impl ser::$of for Compound<'_, '_> {
            type Ok = ();
            type Error = Refused;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Written {
                self.field(key, value)
            }
            fn end(self) -> Written {
                self.finish()
            }
        }
    )*};
}
fields!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeMap for Compound<'_, '_> {
    type Ok = ();
    type Error = Refused;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Written {
        self.key = self.encoder.out.len();
        self.count += 1;
        key.serialize(&mut *self.encoder).map_err(|refused| refused.below(|| " (a key)".into()))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
        let end = self.encoder.out.len();
        let result = value.serialize(&mut *self.encoder);
        result.map_err(|refused| {
            let key = &self.encoder.out[self.key..end];
            refused.below(|| match rmp::decode::read_str_from_slice(key) {
                Ok((text, _)) => format!(".{text}"),
                Err(_) => "[…]".into(),
            })
        })
    }

    fn end(self) -> Written {
        self.finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::{Serialize, Serializer};

    use super::{append, Date, Error, MAX_DEPTH};

    fn refusal<T: Serialize>(value: T) -> (String, Option<String>) {
        let mut out = vec![7];
        match append(&mut out, &value, MAX_DEPTH) {
            Err(Error::InvalidValue { path, details }) => {
                assert_eq!(out, [7]);
                (details.message, path)
            }
            other => panic!("{other:?}"),
        }
    }

    #[derive(Serialize)]
    enum Shape {
        Point,
        Circle(f64),
        Square { side: u128 },
        Pair(u8, u8),
    }

    #[test]
    fn what_cannot_be_sent_is_refused_with_its_place() {
        let (message, path) = refusal(BTreeMap::from([("a", vec![1, 1u128 << 64])]));
        assert!(message.contains("BigInt"), "{message}");
        assert_eq!(path.as_deref(), Some("$.a[1]"));
        assert_eq!(refusal((Shape::Square { side: u128::MAX },)).1.as_deref(), Some("$[0].side"));
        assert_eq!(refusal(Date::from_millis(i64::MAX)).1.as_deref(), Some("$"));
        assert!(refusal(BTreeMap::from([(1u128 << 64, 1)])).1.is_some());
    }

    #[test]
    fn nesting_beyond_the_limit_is_refused_and_siblings_do_not_count() {
        #[derive(Serialize)]
        struct Nested(Vec<Nested>);
        let nested = |levels| (1..levels).fold(Nested(Vec::new()), |inner, _| Nested(vec![inner]));
        assert!(append(&mut Vec::new(), &nested(MAX_DEPTH), MAX_DEPTH).is_ok());
        assert!(append(&mut Vec::new(), &nested(MAX_DEPTH + 1), MAX_DEPTH).is_err());
        let flat: Vec<_> = (0..1000).map(|_| (Shape::Circle(1.0), Shape::Pair(1, 2), Shape::Square { side: 1 })).collect();
        assert!(append(&mut Vec::new(), &flat, 4).is_ok());
        assert!(append(&mut Vec::new(), &flat, 3).is_err());
    }

    #[test]
    fn enums_are_as_serde_json_has_them() {
        let value: crate::Value = crate::to_value(&(Shape::Point, Shape::Circle(0.5), Shape::Pair(1, 2))).unwrap();
        let entry = |key: &str, value| crate::Value::Map(vec![(key.into(), value)]);
        let pair = crate::Value::Array(vec![1.into(), 2.into()]);
        assert_eq!(value, crate::Value::Array(vec!["Point".into(), entry("Circle", 0.5.into()), entry("Pair", pair)]));
    }

    #[test]
    fn sequences_of_unknown_length_are_counted() {
        struct Even(u32);
        impl Serialize for Even {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_seq((0..self.0).filter(|n| n % 2 == 0))
            }
        }
        let value: Vec<u32> = crate::from_value(&crate::to_value(&Even(7)).unwrap()).unwrap();
        assert_eq!(value, [0, 2, 4, 6]);
    }
}
