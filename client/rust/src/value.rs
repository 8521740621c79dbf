// SPDX-License-Identifier: Apache-2.0
//! JavaScript's values as Rust holds them, by the table of values in daemon/DESIGN.md.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::de::{self, Deserialize, DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::decode;
use crate::encode;
use crate::error::{Error, Result};

/// Any value that goes to a script or comes from one, for programs that don't know its type before.
///
/// ```
/// use lethe::{Date, Value};
///
/// let user: Value = lethe::to_value(&("Ada", 36, Date::from_millis(0)))?;
/// assert_eq!(user, Value::Array(vec!["Ada".into(), 36.into(), Date::from_millis(0).into()]));
/// let (name, age, _): (String, u8, Date) = lethe::from_value(&user)?;
/// assert_eq!((name.as_str(), age), ("Ada", 36));
/// # Ok::<(), lethe::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// null, and what comes of undefined.
    Null,
    /// A boolean.
    Bool(bool),
    /// A whole Number within ±(2^53-1), and beyond that a BigInt of at most 64 bits; more is [`Error::InvalidValue`].
    Integer(i128),
    /// Any other Number: also NaN, infinities, -0, and whole ones beyond 2^53.
    Float(f64),
    /// A string.
    String(String),
    /// An Uint8Array; from scripts any typed array, DataView or ArrayBuffer.
    Bytes(Vec<u8>),
    /// A Date.
    Date(Date),
    /// An Array; from scripts also a Set.
    Array(Vec<Value>),
    /// An object where all keys are strings, else a Map; in their order.
    Map(Vec<(Value, Value)>),
}

impl Value {
    /// The value of a key, if this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_map()?.iter().find(|(each, _)| each.as_str() == Some(key)).map(|(_, value)| value)
    }

    /// Whether it is null, or was undefined.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// A boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// A whole number of 64 bits.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Value::Integer(value) => (*value).try_into().ok(),
            _ => None,
        }
    }

    /// A whole number of 64 bits that is not negative.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Value::Integer(value) => (*value).try_into().ok(),
            _ => None,
        }
    }

    /// A number, rounded where it is an integer beyond 2^53.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Integer(value) => Some(*value as f64),
            Value::Float(value) => Some(*value),
            _ => None,
        }
    }

    /// A string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(value) => Some(value),
            _ => None,
        }
    }

    /// Bytes.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Value::Bytes(value) => Some(value),
            _ => None,
        }
    }

    /// A date.
    pub fn as_date(&self) -> Option<Date> {
        match self {
            Value::Date(value) => Some(*value),
            _ => None,
        }
    }

    /// The elements of an array.
    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Value::Array(value) => Some(value),
            _ => None,
        }
    }

    /// Keys and values of an object or Map.
    pub fn as_map(&self) -> Option<&[(Value, Value)]> {
        match self {
            Value::Map(value) => Some(value),
            _ => None,
        }
    }
}

/// Anything that serde can serialize as a [`Value`].
pub fn to_value<T: Serialize + ?Sized>(value: &T) -> Result<Value> {
    let mut bytes = Vec::new();
    encode::append(&mut bytes, value, encode::MAX_DEPTH)?;
    decode::value(&bytes)
}

/// A [`Value`] as any type that serde can deserialize.
pub fn from_value<T: DeserializeOwned>(value: &Value) -> Result<T> {
    let mut bytes = Vec::new();
    encode::append(&mut bytes, value, encode::MAX_DEPTH)?;
    decode::value(&bytes)
}

macro_rules! from {
    ($($from:ty => $variant:ident),*) => {$(
        impl From<$from> for Value {
            fn from(value: $from) -> Value {
                Value::$variant(value.into())
            }
        }
    )*};
}
from!(bool => Bool, i8 => Integer, u8 => Integer, i16 => Integer, u16 => Integer, i32 => Integer, u32 => Integer, i64 => Integer,
      u64 => Integer, i128 => Integer, f32 => Float, f64 => Float, String => String, &str => String, Date => Date,
      Vec<Value> => Array, Vec<(Value, Value)> => Map);

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Integer(value) => match (i64::try_from(*value), u64::try_from(*value)) {
                (Ok(value), _) => serializer.serialize_i64(value),
                (_, Ok(value)) => serializer.serialize_u64(value),
                _ => serializer.serialize_i128(*value),
            },
            Value::Float(value) => serializer.serialize_f64(*value),
            Value::String(value) => serializer.serialize_str(value),
            Value::Bytes(value) => serializer.serialize_bytes(value),
            Value::Date(value) => value.serialize(serializer),
            Value::Array(value) => value.serialize(serializer),
            Value::Map(value) => {
                let mut map = serializer.serialize_map(Some(value.len()))?;
                for (key, each) in value {
                    map.serialize_entry(key, each)?;
                }
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Value, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_unit<E>(self) -> std::result::Result<Value, E> {
                Ok(Value::Null)
            }
            fn visit_none<E>(self) -> std::result::Result<Value, E> {
                Ok(Value::Null)
            }
            fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<Value, D::Error> {
                deserializer.deserialize_any(self)
            }
            fn visit_bool<E>(self, value: bool) -> std::result::Result<Value, E> {
                Ok(Value::Bool(value))
            }
            fn visit_i64<E>(self, value: i64) -> std::result::Result<Value, E> {
                Ok(Value::Integer(value.into()))
            }
            fn visit_u64<E>(self, value: u64) -> std::result::Result<Value, E> {
                Ok(Value::Integer(value.into()))
            }
            fn visit_f64<E>(self, value: f64) -> std::result::Result<Value, E> {
                Ok(Value::Float(value))
            }
            fn visit_str<E>(self, value: &str) -> std::result::Result<Value, E> {
                Ok(Value::String(value.to_owned()))
            }
            fn visit_string<E>(self, value: String) -> std::result::Result<Value, E> {
                Ok(Value::String(value))
            }
            fn visit_bytes<E>(self, value: &[u8]) -> std::result::Result<Value, E> {
                Ok(Value::Bytes(value.to_vec()))
            }
            fn visit_byte_buf<E>(self, value: Vec<u8>) -> std::result::Result<Value, E> {
                Ok(Value::Bytes(value))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Value, A::Error> {
                let mut array = Vec::new();
                while let Some(each) = seq.next_element()? {
                    array.push(each);
                }
                Ok(Value::Array(array))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> std::result::Result<Value, A::Error> {
                let mut map = Vec::new();
                while let Some(each) = entries.next_entry()? {
                    map.push(each);
                }
                Ok(Value::Map(map))
            }
            fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<Value, D::Error> {
                deserializer.deserialize_any(DateVisitor).map(Value::Date)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// A point in time in whole milliseconds, as JavaScript's Date.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use lethe::Date;
///
/// let date = Date::from(SystemTime::UNIX_EPOCH + Duration::from_millis(1500));
/// assert_eq!(date.millis(), 1500);
/// assert_eq!(SystemTime::try_from(date)?, SystemTime::UNIX_EPOCH + Duration::from_millis(1500));
/// # Ok::<(), lethe::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    millis: i64,
}

/// A Date ends so many milliseconds before and after 1970.
const MOST_MILLIS: i64 = 8_640_000_000_000_000;
/// MessagePack's extension for points in time.
const TIMESTAMP: i8 = -1;

impl Date {
    /// Milliseconds since 1970 in UTC, as `date.getTime()`.
    pub const fn from_millis(millis: i64) -> Date {
        Date { millis }
    }

    /// Milliseconds since 1970 in UTC, as `date.getTime()`.
    pub const fn millis(self) -> i64 {
        self.millis
    }

    /// As MessagePack; none if it is beyond what a Date can be.
    pub(crate) fn append_to(self, out: &mut Vec<u8>) -> Option<()> {
        if !(-MOST_MILLIS..=MOST_MILLIS).contains(&self.millis) {
            return None;
        }
        let (seconds, nanos) = (self.millis.div_euclid(1000), self.millis.rem_euclid(1000) as u32 * 1_000_000);
        let mut write = |length, parts: [&[u8]; 2]| {
            rmp::encode::write_ext_meta(out, length, TIMESTAMP).ok()?;
            parts.iter().for_each(|part| out.extend_from_slice(part));
            Some(())
        };
        match u64::try_from(seconds) {
            Ok(seconds) if seconds < 1 << 34 => write(8, [&(u64::from(nanos) << 34 | seconds).to_be_bytes(), &[]]),
            _ => write(12, [&nanos.to_be_bytes(), &seconds.to_be_bytes()]),
        }
    }

    fn from_timestamp(bytes: &[u8]) -> Option<Date> {
        let (seconds, nanos) = match bytes.len() {
            4 => (i64::from(u32::from_be_bytes(bytes.try_into().ok()?)), 0),
            8 => {
                let both = u64::from_be_bytes(bytes.try_into().ok()?);
                ((both & ((1 << 34) - 1)) as i64, (both >> 34) as u32)
            }
            12 => {
                let (nanos, seconds) = bytes.split_at(4);
                (i64::from_be_bytes(seconds.try_into().ok()?), u32::from_be_bytes(nanos.try_into().ok()?))
            }
            _ => return None,
        };
        seconds.checked_mul(1000)?.checked_add(i64::from(nanos / 1_000_000)).map(Date::from_millis)
    }
}

impl From<SystemTime> for Date {
    /// The whole millisecond in which it is.
    fn from(time: SystemTime) -> Date {
        match time.duration_since(UNIX_EPOCH) {
            Ok(since) => Date::from_millis(since.as_millis() as i64),
            Err(before) => Date::from_millis(-(before.duration().as_nanos().saturating_add(999_999) as i128 / 1_000_000) as i64),
        }
    }
}

impl TryFrom<Date> for SystemTime {
    type Error = Error;

    fn try_from(date: Date) -> Result<SystemTime> {
        let since = Duration::from_millis(date.millis.unsigned_abs());
        let time = if date.millis < 0 { UNIX_EPOCH.checked_sub(since) } else { UNIX_EPOCH.checked_add(since) };
        time.ok_or_else(|| Error::invalid_value("a Date that SystemTime can't hold", None))
    }
}

impl Serialize for Date {
    /// Milliseconds, for other formats than that of Lethe.
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(encode::DATE, &self.millis)
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Date, D::Error> {
        deserializer.deserialize_any(DateVisitor)
    }
}

struct DateVisitor;

impl<'de> Visitor<'de> for DateVisitor {
    type Value = Date;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a Date")
    }
    fn visit_newtype_struct<D: Deserializer<'de>>(self, extension: D) -> std::result::Result<Date, D::Error> {
        extension.deserialize_any(self)
    }
    fn visit_i64<E>(self, millis: i64) -> std::result::Result<Date, E> {
        Ok(Date { millis })
    }
    fn visit_u64<E: de::Error>(self, millis: u64) -> std::result::Result<Date, E> {
        millis.try_into().map(Date::from_millis).map_err(E::custom)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut extension: A) -> std::result::Result<Date, A::Error> {
        let kind: Option<i8> = extension.next_element()?;
        let bytes: Option<Bytes> = extension.next_element()?;
        match (kind, bytes) {
            (Some(TIMESTAMP), Some(Bytes(bytes))) => Date::from_timestamp(&bytes),
            _ => None,
        }
        .ok_or_else(|| de::Error::custom("an extension that is no Date"))
    }
}

/// The bytes of an extension.
struct Bytes(Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Bytes, D::Error> {
        struct Buffer;
        impl<'de> Visitor<'de> for Buffer {
            type Value = Bytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E>(self, value: &[u8]) -> std::result::Result<Bytes, E> {
                Ok(Bytes(value.to_vec()))
            }
        }
        deserializer.deserialize_bytes(Buffer)
    }
}
