// SPDX-License-Identifier: Apache-2.0
//! Bytes as values, and where a message ends.

use rmp::Marker;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

/// The bytes are not MessagePack, or not of this protocol: with them the connection ends.
#[derive(Debug)]
pub(crate) struct NotUnderstood;

/// One value as the type that the program asks for. Where it isn't that, the error says where.
pub(crate) fn value<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    rmp_serde::from_slice(bytes).or_else(|_| {
        // Paths cost time, so that they are looked for only now.
        let mut deserializer = rmp_serde::Deserializer::from_read_ref(bytes);
        serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            let path = match error.path().to_string() {
                path if path == "." => "$".to_owned(),
                path if path.starts_with('[') => format!("${path}"),
                path => format!("$.{path}"),
            };
            Error::invalid_value(format!("what came is not of the type asked for: {}", error.into_inner()), Some(path))
        })
    })
}

/// Finds the ends of messages in bytes that come in pieces.
#[derive(Default)]
pub(crate) struct Framer {
    at: usize,
    /// Values that the message has beyond the one that is begun.
    open: u64,
}

impl Framer {
    /// The end of the first message of `bytes`; none as long as it has not come as a whole. `bytes` are those of the time before,
    /// and more.
    pub(crate) fn end(&mut self, bytes: &[u8]) -> std::result::Result<Option<usize>, NotUnderstood> {
        loop {
            let (length, values) = match bytes.get(self.at..).map_or(Ok(None), first_part)? {
                Some(part) if part.0 <= bytes.len() - self.at => part,
                _ => return Ok(None),
            };
            self.at += length;
            self.open += values;
            if self.open == 0 {
                return Ok(Some(std::mem::take(&mut self.at)));
            }
            self.open -= 1;
        }
    }
}

/// How many bytes the value that begins here has without the values in it, and how many these are; none if too little is there.
fn first_part(bytes: &[u8]) -> std::result::Result<Option<(usize, u64)>, NotUnderstood> {
    let marker = match bytes.first() {
        Some(first) => Marker::from_u8(*first),
        None => return Ok(None),
    };
    // The length that follows the marker in so many bytes.
    let length =
        |count: usize| bytes.get(1..=count).map(|digits| digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)));
    let content = |count, more| length(count).map(|length| (1 + count + more + length, 0));
    let values = |count, each: u64| length(count).map(|length| (1 + count, length as u64 * each));
    Ok(match marker {
        Marker::Reserved => return Err(NotUnderstood),
        Marker::Null | Marker::True | Marker::False | Marker::FixPos(_) | Marker::FixNeg(_) => Some((1, 0)),
        Marker::U8 | Marker::I8 => Some((2, 0)),
        Marker::U16 | Marker::I16 | Marker::FixExt1 => Some((3, 0)),
        Marker::FixExt2 => Some((4, 0)),
        Marker::U32 | Marker::I32 | Marker::F32 => Some((5, 0)),
        Marker::FixExt4 => Some((6, 0)),
        Marker::U64 | Marker::I64 | Marker::F64 => Some((9, 0)),
        Marker::FixExt8 => Some((10, 0)),
        Marker::FixExt16 => Some((18, 0)),
        Marker::FixStr(length) => Some((1 + usize::from(length), 0)),
        Marker::Str8 | Marker::Bin8 => content(1, 0),
        Marker::Str16 | Marker::Bin16 => content(2, 0),
        Marker::Str32 | Marker::Bin32 => content(4, 0),
        Marker::Ext8 => content(1, 1),
        Marker::Ext16 => content(2, 1),
        Marker::Ext32 => content(4, 1),
        Marker::FixArray(count) => Some((1, u64::from(count))),
        Marker::FixMap(count) => Some((1, 2 * u64::from(count))),
        Marker::Array16 => values(2, 1),
        Marker::Array32 => values(4, 1),
        Marker::Map16 => values(2, 2),
        Marker::Map32 => values(4, 2),
    })
}

/// Splits off the first value of `bytes`.
pub(crate) fn split(bytes: &[u8]) -> std::result::Result<(&[u8], &[u8]), NotUnderstood> {
    let end = Framer::default().end(bytes)?.ok_or(NotUnderstood)?;
    Ok(bytes.split_at(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_comes_byte_by_byte_ends_where_it_ends() {
        let text = "x".repeat(300);
        let value = (1u8, text, vec![(1.5f64, -1i64, u64::MAX)], std::collections::BTreeMap::from([("a", Some(1)), ("b", None)]));
        let message = rmp_serde::to_vec(&value).unwrap();
        let mut framer = Framer::default();
        for count in 0..message.len() {
            assert_eq!(framer.end(&message[..count]).unwrap(), None);
        }
        assert_eq!(framer.end(&[message.as_slice(), &[0xc0]].concat()).unwrap(), Some(message.len()));
        assert_eq!(framer.end(&[0xc0]).unwrap(), Some(1));
        assert!(framer.end(&[0xc1]).is_err());
    }

    #[test]
    fn an_error_says_where() {
        let bytes = rmp_serde::to_vec_named(&std::collections::BTreeMap::from([("a", vec![1, 300])])).unwrap();
        let read: Result<std::collections::BTreeMap<String, Vec<u8>>> = value(&bytes);
        match read {
            Err(Error::InvalidValue { path, .. }) => assert_eq!(path.as_deref(), Some("$.a[1]")),
            other => panic!("{other:?}"),
        }
    }
}
