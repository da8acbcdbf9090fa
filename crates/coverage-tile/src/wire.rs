//! The protobuf wire format, pulled field by field from borrowed bytes.
//!
//! Specification: Protocol Buffers, "Encoding". Nothing is copied and nothing is allocated, so hostile lengths cost nothing.

use crate::DecodeError;

/// One field of a message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Field<'a> {
    /// Wire type 0.
    Varint(u64),
    /// Wire type 1.
    Fixed64(u64),
    /// Wire type 2.
    Bytes(&'a [u8]),
    /// Wire type 5.
    Fixed32(u32),
}

/// Pulls fields from a message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn broken(&self, what: &'static str) -> DecodeError {
        DecodeError::Broken { what, at: self.at, bytes: self.bytes.len() }
    }

    /// The next field number and value; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<(u32, Field<'a>)>, DecodeError> {
        if self.at == self.bytes.len() {
            return Ok(None);
        }
        let key = self.varint()?;
        let number = u32::try_from(key >> 3)
            .ok()
            .filter(|&n| n > 0)
            .ok_or_else(|| self.broken("a field number out of range"))?;
        let field = match key & 7 {
            0 => Field::Varint(self.varint()?),
            1 => Field::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| self.broken("a length out of range"))?;
                Field::Bytes(self.take(length)?)
            }
            5 => Field::Fixed32(u32::from_le_bytes(self.array()?)),
            _ => return Err(self.broken("an unknown wire type")),
        };
        Ok(Some((number, field)))
    }

    fn varint(&mut self) -> Result<u64, DecodeError> {
        let (value, length) = varint(&self.bytes[self.at..]).ok_or_else(|| self.broken("a number without end"))?;
        self.at += length;
        Ok(value)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let end = self.at.checked_add(length).filter(|&end| end <= self.bytes.len());
        let taken =
            end.map(|end| &self.bytes[self.at..end]).ok_or_else(|| self.broken("a field longer than its message"))?;
        self.at += length;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let taken = self.take(N)?;
        Ok(taken.try_into().expect("exactly N bytes were taken"))
    }
}

/// A variable-length number and its length in bytes; `None` when it does not end within ten bytes.
#[inline]
pub(crate) fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    for (index, &byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index as u32);
        if byte & 0x80 == 0 {
            return Some((value, index + 1));
        }
    }
    None
}

/// Packed variable-length numbers; stops at the first that breaks.
#[derive(Debug, Clone)]
pub(crate) struct Packed<'a>(pub(crate) &'a [u8]);

impl Iterator for Packed<'_> {
    type Item = u64;
    #[inline]
    fn next(&mut self) -> Option<u64> {
        let (value, length) = varint(self.0)?;
        self.0 = &self.0[length..];
        Some(value)
    }
}

/// Zigzag: small negative numbers stay short.
pub(crate) fn unzigzag(value: u64) -> i64 {
    ((value >> 1) as i64) ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lengths_and_their_faults() {
        assert_eq!(varint(&[0xac, 0x02, 9]), Some((300, 2)));
        assert_eq!(varint(&[0x80; 11]), None);
        assert_eq!(varint(&[]), None);
        assert_eq!([unzigzag(0), unzigzag(1), unzigzag(2), unzigzag(u64::MAX)], [0, -1, 1, i64::MIN]);
        let fields = |bytes: &'static [u8]| {
            let mut fields = Fields::new(bytes);
            std::iter::from_fn(move || fields.next().transpose()).collect::<Result<Vec<_>, _>>()
        };
        assert_eq!(fields(&[0x08, 0x05]).unwrap(), [(1, Field::Varint(5))]);
        assert_eq!(fields(&[0x12, 0x02, 7, 8]).unwrap(), [(2, Field::Bytes(&[7, 8]))]);
        for broken in [&[0x12, 0x7f, 1][..], &[0x0b], &[0x00, 0x01], &[0x80], &[0x0d, 1, 2]] {
            let mut pulled = Fields::new(broken);
            assert!(std::iter::from_fn(|| pulled.next().transpose()).any(|field| field.is_err()), "{broken:?}");
        }
    }
}
