//! A JSON list of any length, one element at a time.
//!
//! An element is held whole, so it is capped: more than 64 MiB of text without the end of an element is an error. Nesting
//! is capped by the parser (128).

use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_json::Value;
use std::cell::Cell;
use std::fmt;
use std::io::{self, BufReader, Read};

/// Text that one element may have.
const LONGEST_ELEMENT: u64 = 64 << 20;

/// Calls `each` with every element of the list that `source` holds, and the line (from 1) on which it begins.
pub(crate) fn each_element(source: impl Read, each: &mut dyn FnMut(Value, u64)) -> Result<(), serde_json::Error> {
    each_element_within(LONGEST_ELEMENT, source, each)
}

fn each_element_within(cap: u64, source: impl Read, each: &mut dyn FnMut(Value, u64)) -> Result<(), serde_json::Error> {
    let place = Place { length: Cell::new(0), line: Cell::new(1), begin: Cell::new(1), is_between: Cell::new(true) };
    // the parser asks for single bytes, so what is counted is what it has seen
    let mut parser =
        serde_json::Deserializer::from_reader(Watched { source: BufReader::new(source), place: &place, cap });
    List { each, place: &place }.deserialize(&mut parser)?;
    parser.end()
}

/// Where the parser is.
struct Place {
    /// Bytes since the last element.
    length: Cell<u64>,
    line: Cell<u64>,
    /// Line on which the element begins.
    begin: Cell<u64>,
    is_between: Cell<bool>,
}

struct Watched<'a, R> {
    source: R,
    place: &'a Place,
    cap: u64,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        let place = self.place;
        place.length.set(place.length.get() + read as u64);
        for &byte in &buffer[..read] {
            if place.is_between.get() && !byte.is_ascii_whitespace() && byte != b',' && byte != b'[' {
                place.is_between.set(false);
                place.begin.set(place.line.get());
            }
            place.line.set(place.line.get() + u64::from(byte == b'\n'));
        }
        if place.length.get() > self.cap {
            return Err(io::Error::other("one entry is longer than 64 MiB"));
        }
        Ok(read)
    }
}

struct List<'a> {
    each: &'a mut dyn FnMut(Value, u64),
    place: &'a Place,
}

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(value) = list.next_element::<Value>()? {
            (self.each)(value, self.place.begin.get());
            self.place.length.set(0);
            self.place.is_between.set(true);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_come_one_by_one_and_an_endless_one_ends() {
        let mut seen = Vec::new();
        each_element(&b" [1,\n {\"a\":\n[2]},\n\n null] "[..], &mut |value, line| {
            seen.push(format!("{line}: {value}"));
        })
        .unwrap();
        assert_eq!(seen, ["1: 1", "2: {\"a\":[2]}", "5: null"]);
        assert!(each_element(&b"[1, 2"[..], &mut |_, _| {}).is_err());
        assert!(each_element(&b"{}"[..], &mut |_, _| {}).is_err());
        assert!(each_element(&b"[1] 2"[..], &mut |_, _| {}).is_err());
        let endless = b"[\"".chain(io::repeat(b'x'));
        let error = each_element_within(10_000, endless, &mut |_, _| {}).unwrap_err();
        assert!(error.to_string().contains("longer than"), "{error}");
        let nested = "[".repeat(1_000);
        assert!(each_element(nested.as_bytes(), &mut |_, _| {}).is_err());
    }
}
