//! The fields of an EXIF block: found at one pass over the bytes where a block is as blocks should be, else by
//! kamadak-exif.
//!
//! kamadak-exif makes a hash map of all fields and copies each value: half of what a photo costs. [`Fields::plain`] notes
//! where the few wanted values stand and copies nothing. It answers only what cannot be read in two ways, and a block of
//! which only the front is in memory will do; whatever is odd (a tag twice, a value or a directory beyond the end, a
//! pointer of an odd type, a directory that two pointers name) is left to [`Fields::parsed`], which decides. Where both
//! answer, they agree: `tests.rs` holds one against the other on mutated blocks, the recorded photos are read both ways.

use exif::{Context, Exif, In, Tag, Value};

/// The first three elements of a field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct UpToThree<T> {
    elements: [T; 3],
    n: usize,
}

impl<T: Copy + Default> UpToThree<T> {
    /// The first three of all.
    pub(crate) fn of(all: impl IntoIterator<Item = T>) -> Self {
        let mut kept = Self { elements: [T::default(); 3], n: 0 };
        for element in all.into_iter().take(3) {
            kept.elements[kept.n] = element;
            kept.n += 1;
        }
        kept
    }

    /// Each element as another one.
    pub(crate) fn map<U: Copy + Default>(self, each: impl Fn(T) -> U) -> UpToThree<U> {
        UpToThree::of(self.as_slice().iter().map(|&element| each(element)))
    }

    /// The elements that are there.
    pub(crate) fn as_slice(&self) -> &[T] {
        &self.elements[..self.n]
    }
}

/// What a field holds, as far as anybody asks: texts and numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Item<'a> {
    /// Text up to its first zero.
    Ascii(&'a [u8]),
    /// Bytes that are numbers, or a text where one should be.
    Bytes(&'a [u8]),
    /// Bytes without a meaning, often a text.
    Undefined(&'a [u8]),
    /// Unsigned numbers of 16 or 32 bits.
    Unsigned(UpToThree<u32>),
    /// Signed numbers of 32 bits.
    Signed(UpToThree<i32>),
    /// Numerators and denominators.
    Rationals(UpToThree<(u32, u32)>),
    /// Signed numerators and denominators.
    SignedRationals(UpToThree<(i32, i32)>),
    /// Floats.
    Floats(UpToThree<f64>),
    /// What no field of ours is made of.
    Other,
}

impl<'a> Item<'a> {
    fn of_parsed(value: &'a Value) -> Self {
        match value {
            Value::Ascii(parts) => Self::Ascii(parts.first().map_or(&[], Vec::as_slice)),
            Value::Byte(bytes) => Self::Bytes(bytes),
            Value::Undefined(bytes, _) => Self::Undefined(bytes),
            Value::Short(all) => Self::Unsigned(UpToThree::of(all.iter().map(|&number| u32::from(number)))),
            Value::Long(all) => Self::Unsigned(UpToThree::of(all.iter().copied())),
            Value::SLong(all) => Self::Signed(UpToThree::of(all.iter().copied())),
            Value::Rational(all) => Self::Rationals(UpToThree::of(all.iter().map(|part| (part.num, part.denom)))),
            Value::SRational(all) => {
                Self::SignedRationals(UpToThree::of(all.iter().map(|part| (part.num, part.denom))))
            }
            Value::Float(all) => Self::Floats(UpToThree::of(all.iter().map(|&number| f64::from(number)))),
            Value::Double(all) => Self::Floats(UpToThree::of(all.iter().copied())),
            _ => Self::Other,
        }
    }
}

/// The fields of a block.
#[expect(clippy::large_enum_variant, reason = "one at a time, on the stack")]
pub(crate) enum Fields<'a> {
    /// As they stand in the bytes.
    Plain(Plain<'a>),
    /// As kamadak-exif read them.
    Parsed(Exif),
}

impl<'a> Fields<'a> {
    /// The wanted fields of a block of which at least the front is there; `None` when somebody should look closer.
    pub(crate) fn plain(block: &'a [u8]) -> Option<Self> {
        Plain::of(block).map(Self::Plain)
    }

    /// All fields of a whole block, and whether parts of it could not be read; `None` when it is none.
    ///
    /// The parser is foreign code on foreign bytes: should it panic, the block counts as unreadable.
    pub(crate) fn parsed(mut block: Vec<u8>) -> Option<(Self, bool)> {
        make_pointers_unsigned(&mut block);
        let parsed = std::panic::catch_unwind(|| exif::Reader::new().continue_on_error(true).read_raw(block));
        match parsed.ok()? {
            Ok(exif) => Some((Self::Parsed(exif), false)),
            Err(error) => error.distill_partial_result(drop).ok().map(|exif| (Self::Parsed(exif), true)),
        }
    }

    /// A field of the primary image; [`Fields::Plain`] knows those alone that have a [slot](slot_of).
    pub(crate) fn item(&self, tag: Tag) -> Option<Item<'_>> {
        match self {
            Self::Plain(plain) => plain.item(tag),
            Self::Parsed(exif) => exif.get_field(tag, In::PRIMARY).map(|field| Item::of_parsed(&field.value)),
        }
    }
}

/// Some cameras write the pointer to the GPS directory as a signed number (or of type IFD); the parser wants type LONG.
fn make_pointers_unsigned(bytes: &mut [u8]) {
    const LONG: u8 = 4;
    let is_little = bytes.starts_with(b"II");
    let number = |at: usize, length: usize, bytes: &[u8]| -> Option<usize> {
        let digits = bytes.get(at..at + length)?;
        let add = |sum: usize, byte: &u8| sum << 8 | usize::from(*byte);
        Some(if is_little { digits.iter().rev().fold(0, add) } else { digits.iter().fold(0, add) })
    };
    let Some(directory) = number(4, 4, bytes) else { return };
    let n_entries = number(directory, 2, bytes).unwrap_or(0);
    for entry in 0..n_entries {
        let at = directory + 2 + 12 * entry;
        let (Some(tag), Some(kind)) = (number(at, 2, bytes), number(at + 2, 2, bytes)) else { return };
        if [0x8769, 0x8825].contains(&tag) && [9, 13].contains(&kind) {
            bytes[at + if is_little { 2 } else { 3 }] = LONG;
        }
    }
}

/// Fields that are ever asked for.
const N_WANTED: usize = 28;

/// Place of a wanted field among them all.
fn slot_of(directory: Context, number: u16) -> Option<usize> {
    Some(match (directory, number) {
        (Context::Tiff, 0x100) => 0,
        (Context::Tiff, 0x101) => 1,
        (Context::Tiff, 0x10f) => 2,
        (Context::Tiff, 0x110) => 3,
        (Context::Tiff, 0x112) => 4,
        (Context::Tiff, 0x132) => 5,
        (Context::Exif, 0x9003) => 6,
        (Context::Exif, 0x9004) => 7,
        (Context::Exif, 0x9010..=0x9012) => 8 + usize::from(number - 0x9010),
        (Context::Exif, 0x9290..=0x9292) => 11 + usize::from(number - 0x9290),
        (Context::Exif, 0xa002) => 14,
        (Context::Exif, 0xa003) => 15,
        (Context::Exif, 0xa431) => 16,
        (Context::Exif, 0xa435) => 17,
        (Context::Gps, 1..=7) => 18 + usize::from(number - 1),
        (Context::Gps, 0x0f) => 25,
        (Context::Gps, 0x11) => 26,
        (Context::Gps, 0x1d) => 27,
        _ => return None,
    })
}

/// Type, count and place of a value that lies inside the block; type 0 is no value.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    kind: u16,
    count: u32,
    at: u32,
}

/// Where the wanted values of a well-made block stand.
pub(crate) struct Plain<'a> {
    bytes: &'a [u8],
    is_little: bool,
    slots: [Slot; N_WANTED],
}

/// Directories that a directory points to.
#[derive(Debug, Default)]
struct Pointers {
    exif: Option<usize>,
    gps: Option<usize>,
    interop: Option<usize>,
}

impl<'a> Plain<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let is_little = match bytes.get(..4)? {
            b"II\x2a\0" => true,
            b"MM\0\x2a" => false,
            _ => return None,
        };
        let mut plain = Self { bytes, is_little, slots: [Slot::default(); N_WANTED] };
        let image = plain.u32(4).filter(|&at| at != 0)? as usize; // none at all
        let pointers = plain.directory(Context::Tiff, image)?;
        let mut interop = None;
        if let Some(exif) = pointers.exif {
            interop = plain.directory(Context::Exif, exif)?.interop;
        }
        if let Some(gps) = pointers.gps {
            plain.directory(Context::Gps, gps)?;
        }
        // a directory is read once, whichever pointer comes first
        let all = [Some(image), pointers.exif, pointers.gps, interop];
        let is_twice = (1..all.len()).any(|at| all[at].is_some() && all[..at].contains(&all[at]));
        (!is_twice).then_some(plain)
    }

    /// Notes the wanted values of a directory; `None` when it is not whole or something in it is odd.
    fn directory(&mut self, context: Context, at: usize) -> Option<Pointers> {
        let n_entries = usize::from(self.u16(at)?);
        let begin = at + 2;
        let bytes = self.bytes;
        let (table, _) = bytes.get(begin..)?.split_at_checked(12 * n_entries)?;
        bytes.get(begin + table.len()..begin + table.len() + 4)?; // the link to the next directory
        let mut pointers = Pointers::default();
        for (place, entry) in table.chunks_exact(12).enumerate() {
            let number = self.short(entry);
            let pointer = match (context, number) {
                (Context::Tiff, 0x8769) => Some(&mut pointers.exif),
                (Context::Tiff, 0x8825) => Some(&mut pointers.gps),
                (Context::Exif, 0xa005) => Some(&mut pointers.interop),
                _ => None,
            };
            if let Some(pointer) = pointer {
                let is_long = self.short(&entry[2..]) == 4 && self.long(&entry[4..]) == 1;
                if !is_long || pointer.is_some() {
                    return None;
                }
                *pointer = Some(self.long(&entry[8..]) as usize);
            } else if let Some(slot) = slot_of(context, number) {
                if self.slots[slot].kind != 0 {
                    return None;
                }
                self.slots[slot] = self.slot(entry, begin + 12 * place)?;
            }
        }
        Some(pointers)
    }

    /// Where the value of an entry stands; the entry itself begins at `at`.
    fn slot(&self, entry: &[u8], at: usize) -> Option<Slot> {
        let (kind, count) = (self.short(&entry[2..]), self.long(&entry[4..]));
        let unit = match kind {
            1 | 2 | 6 | 7 => 1,
            3 | 8 => 2,
            4 | 9 | 11 => 4,
            5 | 10 | 12 => 8,
            _ => return None,
        };
        let length = usize::try_from(count).ok()?.checked_mul(unit)?;
        let at = if length <= 4 { at + 8 } else { self.long(&entry[8..]) as usize };
        self.bytes.get(at..at.checked_add(length)?)?;
        Some(Slot { kind, count, at: u32::try_from(at).ok()? })
    }

    fn short(&self, bytes: &[u8]) -> u16 {
        let bytes = [bytes[0], bytes[1]];
        if self.is_little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) }
    }

    fn long(&self, bytes: &[u8]) -> u32 {
        let bytes = [bytes[0], bytes[1], bytes[2], bytes[3]];
        if self.is_little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) }
    }

    fn u16(&self, at: usize) -> Option<u16> {
        Some(self.short(self.bytes.get(at..at.checked_add(2)?)?))
    }

    fn u32(&self, at: usize) -> Option<u32> {
        Some(self.long(self.bytes.get(at..at.checked_add(4)?)?))
    }

    fn item(&self, tag: Tag) -> Option<Item<'_>> {
        let Slot { kind, count, at } = self.slots[slot_of(tag.0, tag.1)?];
        let (count, at) = (count as usize, at as usize);
        let bytes = || &self.bytes[at..at + count];
        let long = |at: usize| self.u32(at).unwrap_or(0); // the value lies inside the block
        let longs = |unit: usize| (0..count).map(move |element| at + unit * element);
        Some(match kind {
            0 => return None,
            1 => Item::Bytes(bytes()),
            2 => Item::Ascii(&bytes()[..memchr::memchr(0, bytes()).unwrap_or(count)]),
            3 => Item::Unsigned(UpToThree::of(longs(2).map(|at| u32::from(self.u16(at).unwrap_or(0))))),
            4 => Item::Unsigned(UpToThree::of(longs(4).map(long))),
            5 => Item::Rationals(UpToThree::of(longs(8).map(|at| (long(at), long(at + 4))))),
            7 => Item::Undefined(bytes()),
            9 => Item::Signed(UpToThree::of(longs(4).map(|at| long(at).cast_signed()))),
            10 => Item::SignedRationals(UpToThree::of(
                longs(8).map(|at| (long(at).cast_signed(), long(at + 4).cast_signed())),
            )),
            11 => Item::Floats(UpToThree::of(longs(4).map(|at| f64::from(f32::from_bits(long(at)))))),
            12 => Item::Floats(UpToThree::of(longs(8).map(|at| self.double(at)))),
            _ => Item::Other,
        })
    }

    fn double(&self, at: usize) -> f64 {
        let halves = [at, at + 4].map(|at| u64::from(self.u32(at).unwrap_or(0)));
        let [low, high] = if self.is_little { halves } else { [halves[1], halves[0]] };
        f64::from_bits(high << 32 | low)
    }
}

#[cfg(test)]
mod tests;
