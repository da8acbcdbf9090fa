//! Where the cells of rows of CSV end: the commas and line feeds of some bytes, all at once.
//!
//! # Method
//! 64 bytes become a word with a bit for each mark (Langdale and Lemire, 2019). The places of its bits are written eight at a
//! time and their number is added afterwards, so that nothing waits for how many there are.

use wide::u8x16;

/// Bytes that are looked at for one word.
const BLOCK: usize = 64;

/// Places of marks, in order; before them the byte that comes before all that was looked at.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// Of which the first `n` are known.
    places: Vec<u32>,
    n: usize,
    n_line_feeds: usize,
    is_ascii: bool,
}

impl Marks {
    /// Finds all marks of `bytes[range]`; places are those in `bytes`, which is shorter than 4 GiB.
    pub(super) fn find(&mut self, bytes: &[u8], range: std::ops::Range<usize>) {
        let (blocks, rest) = bytes[range.clone()].as_chunks::<BLOCK>();
        self.places.resize(self.places.len().max(range.len() + 2 * BLOCK), 0);
        self.places[0] = (range.start as u32).wrapping_sub(1);
        (self.n, self.n_line_feeds) = (1, 0);
        let mut at = range.start as u32;
        let mut all = Seen::default();
        for blocks in blocks.chunks(MOST_COUNTED) {
            for block in blocks {
                self.add(at, marks_of(block, &mut all));
                at += BLOCK as u32;
            }
            self.n_line_feeds += all.take_line_feeds();
        }
        let mut last = [0; BLOCK]; // no marks
        last[..rest.len()].copy_from_slice(rest);
        self.add(at, marks_of(&last, &mut all));
        self.n_line_feeds += all.take_line_feeds();
        self.is_ascii = all.bytes.to_bitmask() == 0;
    }

    /// Whether all bytes that were looked at are ASCII.
    pub(super) fn is_ascii(&self) -> bool {
        self.is_ascii
    }

    /// How many of them are line feeds.
    pub(super) fn n_line_feeds(&self) -> usize {
        self.n_line_feeds
    }

    /// All of them.
    pub(super) fn places(&self) -> &[u32] {
        &self.places[..self.n]
    }

    #[inline]
    fn add(&mut self, at: u32, mut marks: u64) {
        let mut next = self.n;
        self.n += marks.count_ones() as usize;
        while let Some(eight) = self.places[next..].first_chunk_mut::<8>() {
            for place in eight {
                *place = at.wrapping_add(marks.trailing_zeros());
                marks &= marks.wrapping_sub(1);
            }
            if marks == 0 {
                return;
            }
            next += 8;
        }
    }
}

/// Blocks after which the line feeds of one place in sixteen bytes, of which a block has four, might be more than a byte holds.
const MOST_COUNTED: usize = 63;

/// What was seen of blocks, place by place of sixteen.
#[derive(Default)]
struct Seen {
    /// How many line feeds.
    n_line_feeds: u8x16,
    /// The bits that any byte has: the highest where one is not ASCII.
    bytes: u8x16,
}

impl Seen {
    fn take_line_feeds(&mut self) -> usize {
        std::mem::take(&mut self.n_line_feeds).to_array().into_iter().map(usize::from).sum()
    }
}

/// A bit for each comma and line feed, sixteen bytes at once.
#[inline]
fn marks_of(block: &[u8; BLOCK], seen: &mut Seen) -> u64 {
    let (commas, line_feeds) = (u8x16::splat(b','), u8x16::splat(b'\n'));
    let sixteens = block.as_chunks::<16>().0.iter().enumerate();
    sixteens.fold(0, |marks, (at, &sixteen)| {
        let bytes = u8x16::new(sixteen);
        seen.bytes |= bytes;
        let is_line_feed = bytes.simd_eq(line_feeds);
        seen.n_line_feeds -= is_line_feed; // all bits set are minus one
        let is_mark = bytes.simd_eq(commas) | is_line_feed;
        marks | u64::from(is_mark.to_bitmask()) << (16 * at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn all_marks_are_found(
            bytes in prop::collection::vec(prop::sample::select(b",\n-+.*;\r\"\x0b\xac\x8a0a".to_vec()), 0..400),
            is_dense: bool,
            begin in 0_usize..100,
        ) {
            let bytes: Vec<u8> = bytes.into_iter().map(|byte| if is_dense { b',' } else { byte }).collect();
            let begin = begin.min(bytes.len());
            let mut marks = Marks::default();
            for range in [0..bytes.len(), begin..bytes.len(), 0..begin] {
                marks.find(&bytes, range.clone());
                let expected: Vec<u32> =
                    range.clone().filter(|&at| matches!(bytes[at], b',' | b'\n')).map(|at| at as u32).collect();
                prop_assert_eq!(&marks.places()[1..], expected);
                prop_assert_eq!(marks.is_ascii(), bytes[range.clone()].is_ascii());
                prop_assert_eq!(marks.n_line_feeds(), memchr::memchr_iter(b'\n', &bytes[range]).count());
            }
        }
    }
}
