//! Text that is held before it goes out.

use super::digits::CellText;

/// Text in memory that is zeroed beforehand, so that a word is stored in place and only its first bytes are kept.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// Of which the first `length` bytes are the text.
    memory: Vec<u8>,
    length: usize,
}

impl Held {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.memory[..self.length]
    }

    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Takes back the last bytes.
    pub(crate) fn shorten(&mut self, n: usize) {
        self.length = self.length.saturating_sub(n);
    }

    pub(crate) fn clear(&mut self) {
        self.length = 0;
    }

    /// The next `n` bytes of the memory, which grows where it is too small.
    #[inline]
    fn slot(&mut self, n: usize) -> &mut [u8] {
        if self.memory.len() - self.length.min(self.memory.len()) < n {
            self.grow(self.length + n);
        }
        &mut self.memory[self.length..][..n]
    }

    /// Appends a text of at least N bytes, and at most twice as many.
    #[inline]
    fn ends<const N: usize>(&mut self, text: &[u8]) {
        let slot = self.slot(text.len());
        if let (Some(first), Some(last)) = (text.first_chunk::<N>(), text.last_chunk::<N>()) {
            slot[..N].copy_from_slice(first);
            slot[text.len() - N..].copy_from_slice(last);
        }
        self.length += text.len();
    }

    #[cold]
    fn grow(&mut self, least: usize) {
        self.memory.resize(least.max(2 * self.memory.len()).max(4096), 0);
    }
}

impl CellText for Held {
    #[inline]
    fn text(&mut self, text: &str) {
        // a copy of a length that is not known is a call: most texts are short, and two words that overlap hold them
        match text.as_bytes() {
            &[only] => self.ascii(u64::from(only), 1),
            text @ &[a, _, ..] if text.len() < 4 => {
                let [b, c] = [text[1], text[text.len() - 1]].map(u64::from);
                self.ascii(u64::from(a) | b << 8 | c << (8 * (text.len() - 1)), text.len());
            }
            text if text.len() < 8 => self.ends::<4>(text),
            text if text.len() <= 16 => self.ends::<8>(text),
            text if text.len() <= 32 => self.ends::<16>(text),
            text => {
                self.slot(text.len()).copy_from_slice(text);
                self.length += text.len();
            }
        }
    }

    #[inline]
    fn ascii(&mut self, word: u64, length: usize) {
        self.slot(8).copy_from_slice(&word.to_le_bytes());
        self.length += length;
    }

    #[inline]
    fn two(&mut self, [first, second]: [u64; 2], [first_length, second_length]: [usize; 2]) {
        let first_length = first_length.min(8);
        let slot = self.slot(16);
        slot[..8].copy_from_slice(&first.to_le_bytes());
        slot[first_length..first_length + 8].copy_from_slice(&second.to_le_bytes());
        self.length += first_length + second_length;
    }

    #[inline]
    fn three(&mut self, [first, second, third]: [u64; 3], lengths: [u8; 3]) {
        let [first_length, second_length, third_length] = lengths.map(|length| usize::from(length.min(8)));
        let slot = self.slot(24);
        slot[..8].copy_from_slice(&first.to_le_bytes());
        slot[first_length..first_length + 8].copy_from_slice(&second.to_le_bytes());
        let begin = first_length + second_length;
        slot[begin..begin + 8].copy_from_slice(&third.to_le_bytes());
        self.length += begin + third_length;
    }
}
