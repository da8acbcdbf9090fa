//! The text of a line, in memory of a known size: a cell finds its room there by one comparison.

use super::digits::Room;

/// Bytes of it.
const NEAR: usize = 4096;

/// Memory for the text of a line.
#[derive(Debug)]
pub(super) struct Near(Box<[u8; NEAR]>);

impl Default for Near {
    fn default() -> Self {
        Self(Box::new([0; NEAR]))
    }
}

/// Text that goes behind another.
#[derive(Debug)]
pub(super) struct LineText<'t> {
    before: &'t mut Vec<u8>,
    near: &'t mut [u8; NEAR],
    /// How many bytes of it are text.
    length: usize,
}

impl<'t> LineText<'t> {
    #[inline]
    pub(super) fn behind(before: &'t mut Vec<u8>, near: &'t mut Near) -> Self {
        Self { before, near: &mut near.0, length: 0 }
    }

    /// The next bytes of the memory; [`Self::add`] says how many of them are text.
    #[expect(clippy::inline_always, reason = "between the cells of a line its length stays in a register")]
    #[inline(always)]
    pub(super) fn room<const N: usize>(&mut self) -> &mut [u8; N] {
        if self.length > const { NEAR - N } {
            move_text(&self.near[..], self.length, self.before);
            self.length = 0;
        }
        self.near[self.length..].first_chunk_mut().expect("there is as much room")
    }

    #[expect(clippy::inline_always, reason = "the same")]
    #[inline(always)]
    pub(super) fn add(&mut self, n_bytes: usize) {
        self.length += n_bytes;
    }

    /// Appends a byte.
    #[expect(clippy::inline_always, reason = "the same")]
    #[inline(always)]
    pub(super) fn byte(&mut self, byte: u8) {
        *self.room() = [byte];
        self.add(1);
    }

    /// Appends any text.
    #[inline]
    pub(super) fn text(&mut self, text: &str) {
        self.length = put_text(self.before, self.near, self.length, text);
    }

    /// Ends it by a byte in place of its last.
    #[inline]
    pub(super) fn end(self, byte: u8) {
        if let Some(last) = self.length.checked_sub(1).and_then(|last| self.near.get_mut(last)) {
            *last = byte;
        }
        self.before.extend_from_slice(self.near.get(..self.length).unwrap_or_default());
    }
}

#[cold]
fn move_text(near: &[u8], length: usize, to: &mut Vec<u8>) {
    to.extend_from_slice(near.get(..length).unwrap_or(near));
}

/// Puts a text behind the first `length` bytes of the memory, and tells how many they are then.
#[inline(never)]
fn put_text(before: &mut Vec<u8>, near: &mut [u8; NEAR], length: usize, text: &str) -> usize {
    if let Some(room) = near.get_mut(length..).and_then(|room| room.get_mut(..text.len())) {
        room.copy_from_slice(text.as_bytes());
        return length + text.len();
    }
    move_text(near, length, before);
    before.extend_from_slice(text.as_bytes());
    0
}

/// Makes a text with a comma behind, and tells how long it is; `None` where it is too long or may need quotes.
#[inline(never)]
pub(super) fn short_text(text: &str, room: &mut Room) -> Option<usize> {
    let bytes = text.as_bytes();
    let length = bytes.len();
    // two words that overlap hold it
    let has_no_mark = match length {
        1..4 => {
            let [middle, last] = [length / 2, length - 1];
            let byte = |at: usize| u64::from(bytes[at]) << (8 * at);
            let word = byte(0) | byte(middle) | byte(last);
            room[..8].copy_from_slice(&word.to_le_bytes());
            is_above_marks(word | u64::MAX << (8 * length))
        }
        4..8 => {
            let [first, last] = ends(bytes, room)?;
            is_above_marks(u64::from(u32::from_le_bytes(first)) << 32 | u64::from(u32::from_le_bytes(last)))
        }
        8..16 => ends(bytes, room)?.into_iter().all(|half| is_above_marks(u64::from_le_bytes(half))),
        16..32 => ends::<16>(bytes, room)?
            .as_flattened()
            .as_chunks()
            .0
            .iter()
            .all(|word| is_above_marks(u64::from_le_bytes(*word))),
        length => length == 0,
    };
    *room.get_mut(length)? = b',';
    has_no_mark.then_some(length)
}

/// Stores the first and the last bytes of a text of at least N bytes, and at most twice as many.
#[inline]
fn ends<const N: usize>(text: &[u8], room: &mut Room) -> Option<[[u8; N]; 2]> {
    let (first, last) = (*text.first_chunk()?, *text.last_chunk()?);
    *room.first_chunk_mut()? = first;
    *room.get_mut(..text.len())?.last_chunk_mut()? = last;
    Some([first, last])
}

/// Whether no byte of a word comes before `-`, as all do that a cell needs quotes for.
#[inline]
fn is_above_marks(word: u64) -> bool {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // with its high bit set, no byte borrows from its neighbour; the bit stays where the other seven are no less than `-`
    ((word | HIGH) - u64::from_le_bytes([b'-'; 8])) & HIGH == HIGH
}
