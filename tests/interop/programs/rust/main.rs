// SPDX-License-Identifier: Apache-2.0
//! Rust's rmp-serde. usage: interop SOCKET
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_bytes::{ByteBuf, Bytes};
use std::{error::Error, fmt, io::Write, os::unix::net::UnixStream, time::Duration};

/// Any value. A map keeps its order; a time is seconds and nanoseconds.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Nil,
    Boolean(bool),
    Integer(i128),
    Float(f64),
    Text(String),
    Binary(Vec<u8>),
    Time(i64, u32),
    Array(Vec<Value>),
    Map(Vec<(Value, Value)>),
}
use Value::*;

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Nil => to.serialize_unit(),
            Boolean(value) => to.serialize_bool(*value),
            Integer(value) => match i64::try_from(*value) {
                Ok(signed) => to.serialize_i64(signed),
                Err(_) => to.serialize_u64(*value as u64),
            },
            Float(value) => to.serialize_f64(*value),
            Text(value) => to.serialize_str(value),
            Binary(value) => Bytes::new(value).serialize(to),
            Time(seconds, nanoseconds) => {
                let data = [&nanoseconds.to_be_bytes()[..], &seconds.to_be_bytes()].concat();
                // The name by which rmp-serde knows an extension.
                to.serialize_newtype_struct("_ExtStruct", &(-1i8, Bytes::new(&data)))
            }
            Array(values) => values.serialize(to),
            Map(members) => {
                let mut map = to.serialize_map(Some(members.len()))?;
                for (key, value) in members {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

struct Any;
impl<'de> Visitor<'de> for Any {
    type Value = Value;
    fn expecting(&self, to: &mut fmt::Formatter) -> fmt::Result {
        write!(to, "a value")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Nil)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Boolean(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Integer(value.into()))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Integer(value.into()))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Float(value))
    }
    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Text(value.into()))
    }
    fn visit_bytes<E>(self, value: &[u8]) -> Result<Value, E> {
        Ok(Binary(value.into()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut values = vec![];
        while let Some(value) = from.next_element()? {
            values.push(value);
        }
        Ok(Array(values))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut members = vec![];
        while let Some(member) = from.next_entry()? {
            members.push(member);
        }
        Ok(Map(members))
    }
    fn visit_newtype_struct<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        let (_, data) = <(i8, ByteBuf)>::deserialize(from)?;
        let number = |bytes: &[u8]| bytes.iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
        Ok(match data.len() {
            4 => Time(number(&data) as i64, 0),
            8 => Time((number(&data) & 0x3_ffff_ffff) as i64, (number(&data) >> 34) as u32),
            _ => Time(number(&data[4..]) as i64, number(&data[..4]) as u32),
        })
    }
}
impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Value, D::Error> {
        from.deserialize_any(Any)
    }
}

fn text(value: &str) -> Value {
    Text(value.into())
}
fn integers(values: &[i128]) -> Value {
    Array(values.iter().map(|each| Integer(*each)).collect())
}
fn map(members: &[(&str, Value)]) -> Value {
    Map(members.iter().map(|(name, value)| (text(name), value.clone())).collect())
}

#[derive(Debug)]
struct Refused(Value);
impl fmt::Display for Refused {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        let mut parts = vec![];
        if let Map(members) = &self.0 {
            for name in ["code", "name", "message"] {
                parts.extend(members.iter().filter_map(|member| match member {
                    (Text(key), Text(value)) if key == name => Some(value.as_str()),
                    _ => None,
                }));
            }
        }
        write!(to, "{}", parts.join(" "))
    }
}
impl Error for Refused {}

type Host = fn(&Value) -> (Value, Value);

/// A result, and the console lines that came before. One connection for each.
fn call(function: &str, arguments: Vec<Value>, options: Value, host: Host) -> Result<(Value, Vec<Value>), Box<dyn Error>> {
    let mut socket = UnixStream::connect(std::env::args().nth(1).ok_or("usage: interop SOCKET")?)?;
    socket.set_read_timeout(Some(Duration::from_secs(5)))?;
    let params = Array(vec![text("interop"), text(function), Array(arguments), options]);
    let mut send = |parts: Vec<Value>| -> Result<(), Box<dyn Error>> { Ok(socket.write_all(&rmp_serde::to_vec_named(&Array(parts))?)?) };
    send(vec![Integer(0), Integer(1), text("call"), params])?;
    let mut console = vec![];
    let mut reader = rmp_serde::Deserializer::new(socket.try_clone()?);
    loop {
        let message = match Value::deserialize(&mut reader)? {
            Array(parts) => parts,
            other => return Err(format!("not a message: {other:?}").into()),
        };
        match (&message[0], &message[2], message.last()) {
            (Integer(0), _, Some(Array(params))) => {
                let (problem, result) = host(&params[2]);
                socket.write_all(&rmp_serde::to_vec_named(&Array(vec![
                    Integer(1),
                    message[1].clone(),
                    problem,
                    result,
                ]))?)?;
            }
            (Integer(2), Array(params), _) => console.push(Array(params[1..].to_vec())),
            (_, Nil, Some(result)) => return Ok((result.clone(), console)),
            (_, error, _) => return Err(Refused(error.clone()).into()),
        }
    }
}

fn say(name: &str, attempt: impl Fn() -> Result<Value, Box<dyn Error>>) {
    match attempt() {
        Ok(Text(outcome)) => println!("{name}\t{outcome}"),
        Ok(outcome) => println!("{name}\t{outcome:?}"),
        Err(error) => println!("{name}\t{}", error.to_string().replace('\n', " ")),
    }
}

fn main() {
    let deep = (1..250).fold(Array(vec![]), |value, _| Array(vec![value]));
    let admin = map(&[("admin", Boolean(true))]);
    let values = [
        ("nil", Nil),
        ("booleans", Array(vec![Boolean(true), Boolean(false)])),
        ("integers", integers(&[0, 7, -7, 300, -70000, 1 << 40])),
        ("largest_safe", Integer((1 << 53) - 1)),
        ("beyond_safe", Integer((1 << 53) + 1)),
        ("largest_uint64", Integer(u64::MAX.into())),
        ("smallest_int64", Integer(i64::MIN.into())),
        ("float", Float(1.5)),
        ("whole_float", Float(1e18)),
        ("minus_zero", Float(-0.0)),
        ("infinity", Float(f64::INFINITY)),
        ("nan", Float(f64::NAN)),
        ("text", text("grüße 😀")),
        ("long_text", Text("\u{feff}".to_string() + &"long ".repeat(60))),
        ("digits", text("42")),
        ("bytes", Binary(vec![0, 0xff, 0x80])),
        ("date", Time(1706696430, 250000000)),
        ("date_before_1970", Time(-14182940, 500000000)),
        ("date_in_3000", Time(32503680000, 0)),
        ("array", Array(vec![Integer(1), Array(vec![text("a"), Nil])])),
        ("empty_array", Array(vec![])),
        ("map", map(&[("name", text("Ada")), ("tags", admin.clone())])),
        ("empty_map", map(&[])),
        (
            "map_by_numbers",
            Map(vec![(Integer(1), text("one")), (Integer(-2), text("minus two"))]),
        ),
        ("map_by_arrays", Map(vec![(integers(&[1, 2]), text("a pair"))])),
        ("map_with_nil", Map(vec![(Nil, text("Session")), (text("name"), text("Ada"))])),
        ("map_with_proto", map(&[("__proto__", admin), ("name", text("Ada"))])),
        ("deep", deep),
    ];
    let unasked: Host = |_| (Nil, Nil);
    for (name, value) in &values {
        say(&format!("to.{name}"), || Ok(call("take", vec![value.clone()], Nil, unasked)?.0));
        say(&format!("from.{name}"), || {
            let given = call("give", vec![text(name)], Nil, unasked)?.0;
            Ok(if format!("{given:?}") == format!("{value:?}") {
                text("same")
            } else {
                given
            })
        });
    }
    say("error", || Ok(call("fail", vec![], Nil, unasked)?.0));
    say("deadline", || {
        Ok(call("spin", vec![], map(&[("deadline_ms", Integer(100))]), unasked)?.0)
    });
    say("true_option", || {
        match &call("log", vec![], map(&[("console", Boolean(true))]), unasked)?.1[0] {
            Array(line) => match &line[..] {
                [Text(level), Text(heard)] => Ok(Text(format!("{level} {heard}"))),
                _ => Ok(Nil),
            },
            _ => Ok(Nil),
        }
    });
    say("no_options", || Ok(call("log", vec![], map(&[]), unasked)?.0));
    let add: Host = |numbers| match numbers {
        Array(both) => match both[..] {
            [Integer(one), Integer(other)] => (Nil, Integer(one + other)),
            _ => (text("two integers, please"), Nil),
        },
        _ => (text("an array, please"), Nil),
    };
    say("host_call", || Ok(call("ask", vec![], Nil, add)?.0));
    say("host_error", || {
        Ok(call("ask_in_vain", vec![], Nil, |_| (text("not allowed"), Nil))?.0)
    });
}
