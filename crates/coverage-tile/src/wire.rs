//! The protobuf wire format, pulled field by field from borrowed bytes.
//!
//! Specification: Protocol Buffers, "Encoding". Nothing is copied and nothing is allocated, so hostile lengths cost nothing.

use crate::DecodeError;

/// The key of a field: its number and wire type in one.
pub(crate) const fn key(number: u64, wire_type: u64) -> u64 {
    number << 3 | wire_type
}

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

/// What breaks a message, and where. Small, so that the loops over fields stay in registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    what: &'static str,
    at: usize,
    bytes: usize,
}

impl From<Fault> for DecodeError {
    fn from(Fault { what, at, bytes }: Fault) -> Self {
        Self::Broken { what, at, bytes }
    }
}

/// Pulls fields from a message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
    n_bytes: usize,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, n_bytes: bytes.len() }
    }

    /// Where in the message the next field begins.
    #[inline]
    pub(crate) fn at(&self) -> usize {
        self.n_bytes - self.rest.len()
    }

    /// Whether the message ends here.
    #[inline]
    pub(crate) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    #[cold]
    fn fault(&self, what: &'static str) -> Fault {
        Fault { what, at: self.at(), bytes: self.n_bytes }
    }

    /// The next field's number and wire type as [`key`] writes them; `None` at the end. Its value must be read next, by
    /// [`Self::varint`], [`Self::bytes`], [`Self::array`] or [`Self::skip`].
    ///
    /// Loops that run for every feature read keys: a [`Field`] would travel through memory.
    #[inline]
    pub(crate) fn next_key(&mut self) -> Result<Option<u64>, Fault> {
        if self.is_at_end() {
            return Ok(None);
        }
        let key = self.varint()?;
        if (8..1 << 35).contains(&key) { Ok(Some(key)) } else { Err(self.fault("a field number out of range")) }
    }

    /// The next field number and value; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<(u32, Field<'a>)>, Fault> {
        let Some(key) = self.next_key()? else { return Ok(None) };
        let field = match key & 7 {
            0 => Field::Varint(self.varint()?),
            1 => Field::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => Field::Bytes(self.bytes()?),
            5 => Field::Fixed32(u32::from_le_bytes(self.array()?)),
            _ => return Err(self.fault("an unknown wire type")),
        };
        Ok(Some(((key >> 3) as u32, field)))
    }

    /// Passes over the value of a field.
    #[inline]
    pub(crate) fn skip(&mut self, key: u64) -> Result<(), Fault> {
        match key & 7 {
            0 => self.varint().map(|_| ()),
            1 => self.take(8).map(|_| ()),
            2 => self.bytes().map(|_| ()),
            5 => self.take(4).map(|_| ()),
            _ => Err(self.fault("an unknown wire type")),
        }
    }

    /// The value of a field of wire type 0.
    #[inline]
    pub(crate) fn varint(&mut self) -> Result<u64, Fault> {
        match pull_varint(&mut self.rest) {
            Some(value) => Ok(value),
            None => Err(self.fault("a number without end")),
        }
    }

    /// The value of a field of wire type 2.
    #[inline]
    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Fault> {
        let length = self.varint()?;
        self.take(length)
    }

    /// A value of fixed length: wire type 1 or 5.
    #[inline]
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let taken = self.take(N as u64)?;
        Ok(taken.try_into().expect("exactly N bytes were taken"))
    }

    #[inline]
    fn take(&mut self, length: u64) -> Result<&'a [u8], Fault> {
        let taken = usize::try_from(length).ok().and_then(|length| self.rest.split_at_checked(length));
        let Some((taken, rest)) = taken else { return Err(self.fault("a field longer than its message")) };
        self.rest = rest;
        Ok(taken)
    }
}

/// Takes a variable-length number off the front; `None` when it does not end within ten bytes.
#[inline]
pub(crate) fn pull_varint(rest: &mut &[u8]) -> Option<u64> {
    match **rest {
        [one, ref tail @ ..] if one < 0x80 => {
            *rest = tail;
            Some(u64::from(one))
        }
        [one, two, ref tail @ ..] if two < 0x80 => {
            *rest = tail;
            Some(u64::from(one & 0x7f) | u64::from(two) << 7)
        }
        [one, two, three, ref tail @ ..] if three < 0x80 => {
            *rest = tail;
            Some(u64::from(one & 0x7f) | u64::from(two & 0x7f) << 7 | u64::from(three) << 14)
        }
        _ => {
            let (value, tail) = long_varint(rest)?;
            *rest = tail;
            Some(value)
        }
    }
}

/// By value, not through a reference: the caller's place in the message stays in a register.
fn long_varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    for (index, &byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index as u32);
        if byte < 0x80 {
            return Some((value, &bytes[index + 1..]));
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
        pull_varint(&mut self.0)
    }
}

/// Zigzag: small negative numbers stay short.
pub(crate) fn unzigzag(value: u64) -> i64 {
    ((value >> 1) as i64) ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn first_number(mut bytes: &[u8]) -> Option<(u64, usize)> {
        let n_bytes = bytes.len();
        pull_varint(&mut bytes).map(|number| (number, n_bytes - bytes.len()))
    }

    proptest! {
        #[test]
        fn numbers_come_back(
            number in any::<u64>(),
            shift in 0_u32..64,
            behind in prop::collection::vec(any::<u8>(), 0..12),
        ) {
            let mut bytes = Vec::new();
            crate::encode::push_varint(&mut bytes, number >> shift);
            let n_bytes = bytes.len();
            bytes.extend(&behind);
            prop_assert_eq!(first_number(&bytes), Some((number >> shift, n_bytes)));
        }
    }

    #[test]
    fn numbers_lengths_and_their_faults() {
        assert_eq!(first_number(&[0x05]), Some((5, 1)));
        assert_eq!(first_number(&[0xac, 0x02, 9]), Some((300, 2)));
        assert_eq!(first_number(&[0x80, 0x80, 0x01]), Some((16_384, 3)));
        assert_eq!(first_number(&[0x80, 0x80, 0x80, 0x00]), Some((0, 4)), "longer than it need be");
        let greatest = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert_eq!(first_number(&greatest), Some((u64::MAX, 10)));
        for endless in [&[0x80; 11][..], &[], &[0x80], &[0x80; 2], &[0x80; 3]] {
            assert_eq!(first_number(endless), None, "{endless:?}");
        }
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
            let mut skipped = Fields::new(broken);
            assert!(skipped.next_key().and_then(|key| skipped.skip(key.unwrap())).is_err(), "{broken:?}");
        }
    }
}
